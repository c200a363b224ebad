import { describe, expect, it } from 'vitest';
import { jobMapping } from '../support/builders.ts';
import { tokenWord } from '../support/in-memory-gitlab.ts';
import { definitionFromTemplate } from '../support/state-machine-template.ts';
import { autoscalerTemplate } from './autoscaler-template.ts';
import { autoscalerWorld } from './autoscaler-world.ts';

const template = autoscalerTemplate();
const start = definitionFromTemplate(template, 'StartRunner');
const stop = definitionFromTemplate(template, 'StopRunner');
const mappings = [jobMapping({ target: { type: 'EC2', profile: 'shared' } })];
const nothing = { runners: [], instances: [], tickets: [], places: [] };

/** A deployment whose one profile brings a long-lived runner with the tag `docker`. */
function world() {
  const profiles = { shared: { type: 'EC2', timeoutMinutes: 60, maxConcurrent: 9 } } as const;
  const inner = autoscalerWorld({ mappings, offer: { profiles } });
  const { runnerId } = inner.longLived.bring('shared', { tags: ['docker'], runUntagged: false });
  return {
    ...inner,
    runnerId,
    /** Gives jobs their hosts, which claim their tickets unless told otherwise. */
    async start(jobIds: readonly number[], { claim = true } = {}) {
      for (const jobId of jobIds) await inner.run(start, inner.pend(jobId, ['docker']), {}, `start ${jobId}`);
      await inner.launch();
      if (claim) for (const jobId of jobIds) inner.claim(inner.item(jobId)?.instanceId ?? '');
    },
    stop: (event: Parameters<typeof inner.run>[1]) => inner.run(stop, event),
    hosts: () => [...(inner.longLived.hosts.get(runnerId) ?? [])],
    hostOf: (jobId: number) => inner.item(jobId)?.instanceId ?? '',
  };
}

describe('jobs of a profile with a long-lived runner', () => {
  it('each get a host, which goes with its job, and the runner stays', async () => {
    const { start, pickUpOn, finish, stop, hostOf, hosts, leftovers, item, runnerId, gitlab } = world();
    await start([1, 2]);
    expect(gitlab.runners.size).toBe(0);
    expect(await pickUpOn(hostOf(1), runnerId)).toBe(1);
    expect(await pickUpOn(hostOf(2), runnerId)).toBe(2);
    expect(hosts()).toHaveLength(2);

    expect(await stop(finish(1))).toMatchObject({ status: 'SUCCEEDED' });
    expect(item(1)).toMatchObject({ state: 'RELEASED' });
    expect(item(2)).toMatchObject({ state: 'RUNNING', takenJob: 'job#7#2' });
    expect(leftovers().instances).toEqual([hostOf(2)]);
    expect(hosts()).toHaveLength(1);

    expect(await stop(finish(2))).toMatchObject({ status: 'SUCCEEDED' });
    expect(leftovers()).toEqual(nothing);
    expect(hosts()).toEqual([]);
  });

  it('that took each other’s hosts end the host that they were on', async () => {
    const { start, pickUpOn, finish, stop, hostOf, leftovers, runnerId, item } = world();
    await start([1, 2]);
    expect(await pickUpOn(hostOf(2), runnerId)).toBe(1);
    await stop(finish(1));
    // Job 2 waits, and the host of job 1 is there for it.
    expect(leftovers().instances).toEqual([hostOf(1)]);
    expect(await pickUpOn(hostOf(1), runnerId)).toBe(2);
    await stop(finish(2));
    expect(leftovers()).toEqual(nothing);
    expect(item(1)).toMatchObject({ state: 'RELEASED', takenJob: 'job#7#2' });
  });

  it('that are canceled while they wait end their host when it has no token yet', async () => {
    const { start, finish, stop, leftovers } = world();
    await start([1], { claim: false });
    expect(await stop(finish(1, 'canceled'))).toMatchObject({ status: 'SUCCEEDED' });
    expect(leftovers()).toEqual(nothing);
  });

  it('that are canceled later leave their host to end by itself, and its place is free after that', async () => {
    const { start, finish, stop, hostOf, leftovers, instances, item } = world();
    await start([1]);
    const canceled = finish(1, 'canceled');
    expect(await stop(canceled)).toMatchObject({ status: 'SUCCEEDED' });
    expect(leftovers().instances).toEqual([hostOf(1)]);
    expect(item(1)).toMatchObject({ state: 'LAUNCHED', jobState: 'FINISHED' });

    instances.running.clear();
    expect(await stop(canceled)).toMatchObject({ status: 'SUCCEEDED' });
    expect(leftovers()).toEqual(nothing);
    expect(item(1)).toMatchObject({ state: 'RELEASED' });
  });

  it('never lose a host that took another job just before its own was canceled', async () => {
    const { start, finish, stop, hostOf, leftovers, longLived, gitlab, runnerId, item } = world();
    await start([1]);
    const canceled = finish(1, 'canceled');
    gitlab.setJob({ id: 5, tags: ['docker'] });
    expect(longLived.giveJobTo(runnerId, hostOf(1))).toBe(5);
    await stop(canceled);
    expect(leftovers().instances).toEqual([hostOf(1)]);
    expect(item(1)).toMatchObject({ state: 'RUNNING', takenJob: 'job#7#5' });
    await stop(finish(5));
    expect(leftovers()).toEqual(nothing);
  });

  it('with tags that the runner has not say so at once, and wait with no host until that is mended', async () => {
    const { run, pend, item, events, leftovers } = world();
    await run(start, pend(1, ['gpu']));
    expect(item(1)).toMatchObject({ state: 'WAITING', waitsFor: { error: 'LongLivedRunnerError' } });
    expect(item(1)?.waitsFor?.message).toContain('tags gpu are not among');
    expect(events).toMatchObject([{ type: 'Job Pending' }]);
    expect(leftovers()).toEqual(nothing);
  });

  it('never take the token through a workflow, an event or a log line', async () => {
    const { start, pickUpOn, finish, stop, hostOf, runnerId, said, events, context, store } = world();
    await start([1], { claim: false });
    expect(JSON.stringify([...store.tickets.values()])).toContain(tokenWord);
    await pickUpOn(hostOf(1), runnerId);
    await stop(finish(1));
    expect(said.length).toBeGreaterThan(5);
    expect(JSON.stringify([said, events, context.lines, [...store.items.values()]])).not.toContain(tokenWord);
  });
});
