import { describe, expect, it } from 'vitest';
import type { RunnerItem } from '../../../autoscaler/runner-store/runner-item.ts';
import { drainRunner } from '../../../autoscaler/stop-runner/drain-runner.lambda.ts';
import { runnerItem, testStart } from '../../support/builders.ts';
import { inMemoryGitLab } from '../../support/in-memory-gitlab.ts';
import { inMemoryLongLivedRunners } from '../../support/in-memory-long-lived-runners.ts';
import { inMemoryRunnersStore } from '../../support/in-memory-runners-store.ts';
import { lambdaContext } from '../../support/lambda-context.ts';

const job = 'job#7#1';
const instanceId = 'i-0001';
const manager = { profile: 'shared', systemId: 's_000000000001' };

/** A host of a long-lived runner, made for job 1. Its ticket is claimed unless it is said to wait. */
function world({ ticket = false, ...changes }: Partial<RunnerItem> & { readonly ticket?: boolean } = {}) {
  const gitlab = inMemoryGitLab();
  const gone = new Set<string>();
  const longLived = inMemoryLongLivedRunners(gitlab, (id) => gone.has(id));
  const { runnerId, token } = longLived.bring('shared');
  const host = { state: 'LAUNCHED', profile: 'shared', managerOf: runnerId, instanceId, jobState: 'FINISHED' } as const;
  const store = inMemoryRunnersStore(runnerItem({ ...host, ...changes }));
  if (ticket) store.tickets.set(instanceId, { id: instanceId, token, job, expiresAt: 1, mode: 'manager' });
  const noPausing = { ...gitlab, pauseRunner: () => Promise.reject(new Error('paused the runner of everybody')) };
  const drain = (using: Partial<typeof store> = {}, runner: Partial<typeof longLived> = {}, force = false) =>
    drainRunner(
      { job, attempt: 1, type: 'EC2', runnerId: null, instanceId: null, reason: 'r', force },
      {
        gitlab: noPausing,
        longLived: { ...longLived, ...runner },
        store: { ...store, ...using },
        now: () => testStart,
      },
      lambdaContext(),
    );
  return { gitlab, gone, longLived, runnerId, store, drain, item: () => store.items.get(job) };
}

describe('a host of a long-lived runner that died', () => {
  it('ends with the job that GitLab still takes for running on it, which is noted so that somebody ends that too', async () => {
    const { gitlab, drain, runnerId, item } = world();
    gitlab.setJob({ id: 2, status: 'running', runnerId, systemId: manager.systemId });
    expect(await drain({}, {}, true)).toMatchObject({ verdict: 'STOP', instanceId, manager });
    expect(item()).toMatchObject({ state: 'STOPPING', takenJob: 'job#7#2' });
  });

  it('ends without a job when those that run have other hosts', async () => {
    const { gitlab, drain, runnerId, item } = world();
    gitlab.setJob({ id: 2, status: 'running', runnerId, systemId: 's_000000000002' });
    expect(await drain({}, {}, true)).toMatchObject({ verdict: 'STOP' });
    expect(item()).not.toHaveProperty('takenJob');
  });
});

describe('an idle host of a long-lived runner', () => {
  it('that has not claimed its ticket goes, and can claim it no more', async () => {
    const { drain, store, item } = world({ ticket: true });
    expect(await drain()).toEqual({ verdict: 'STOP', runnerId: null, instanceId, manager });
    expect(item()).toMatchObject({ state: 'STOPPING' });
    expect(store.tickets.size).toBe(0);
  });

  it('that has claimed its ticket is kept, since GitLab may give it a job at any moment', async () => {
    const { drain, item } = world();
    expect(await drain()).toMatchObject({ verdict: 'KEEP', instanceId: null });
    expect(item()).toMatchObject({ state: 'LAUNCHED' });
    expect(item()).not.toHaveProperty('takenJob');
  });

  it('that claims its ticket at this very moment is kept', async () => {
    const { drain, store, item } = world({ ticket: true });
    const write: typeof store.write = (...parts) => {
      store.tickets.delete(instanceId);
      return store.write(...parts);
    };
    expect(await drain({ write })).toMatchObject({ verdict: 'KEEP' });
    expect(item()).toMatchObject({ state: 'LAUNCHED' });
  });

  it('that has ended by itself is released', async () => {
    const { drain, gone, item } = world();
    gone.add(instanceId);
    expect(await drain()).toMatchObject({ verdict: 'STOP', instanceId, manager });
    expect(item()).toMatchObject({ state: 'STOPPING' });
  });

  it('that does not exist yet never will', async () => {
    const { drain, store, item } = world({ state: 'REGISTERED' });
    const { instanceId: _, ...hostless } = item() as RunnerItem;
    store.items.set(job, hostless);
    expect(await drain()).toEqual({ verdict: 'STOP', runnerId: null, instanceId: null, manager: null });
    expect(item()).toMatchObject({ state: 'STOPPING' });
  });

  it('that comes to be at this very moment is looked at again', async () => {
    const { drain, store, item } = world({ state: 'REGISTERED' });
    const launched = { ...(item() as RunnerItem), state: 'LAUNCHED' } as const;
    const { instanceId: _, ...hostless } = item() as RunnerItem;
    store.items.set(job, hostless);
    let reads = 0;
    const read: typeof store.read = async (key) => {
      const seen = await store.read(key);
      reads += 1;
      if (reads === 1) store.items.set(job, launched);
      return seen;
    };
    expect(await drain({ read })).toMatchObject({ verdict: 'KEEP' });
    expect(item()).toMatchObject({ state: 'LAUNCHED' });
  });
});

describe('a host of a long-lived runner that took a job', () => {
  const taken = { state: 'RUNNING', takenJob: 'job#7#2' } as const;

  it('goes when the job is over: it asks for no other', async () => {
    const { drain, item } = world(taken);
    expect(await drain()).toMatchObject({ verdict: 'STOP', instanceId, manager });
    expect(item()).toMatchObject({ state: 'STOPPING' });
  });

  it('is kept while a job runs on it', async () => {
    const { drain, gitlab, longLived, runnerId, item } = world(taken);
    gitlab.setJob({ id: 3 });
    longLived.giveJobTo(runnerId, instanceId);
    expect(await drain()).toMatchObject({ verdict: 'KEEP' });
    expect(item()).toMatchObject({ state: 'RUNNING', takenJob: 'job#7#3' });
  });

  it('of which we had not heard is bound to it', async () => {
    const { drain, gitlab, longLived, runnerId, item } = world();
    gitlab.setJob({ id: 2 });
    longLived.giveJobTo(runnerId, instanceId);
    expect(await drain()).toMatchObject({ verdict: 'KEEP' });
    expect(item()).toMatchObject({ state: 'RUNNING', takenJob: 'job#7#2' });
  });

  it('goes although a job runs on another host of the same runner', async () => {
    const { drain, gitlab, longLived, runnerId } = world(taken);
    gitlab.setJob({ id: 3 });
    longLived.giveJobTo(runnerId, 'i-0002');
    expect(await drain()).toMatchObject({ verdict: 'STOP' });
  });

  it('is asked about before anything is written', async () => {
    const { drain, item } = world(taken);
    const down = Object.assign(new Error('no answer'), { name: 'GitLabUnavailableError' });
    await expect(drain({}, { runningJobsOf: () => Promise.reject(down) })).rejects.toBe(down);
    expect(item()).toMatchObject({ state: 'RUNNING' });
  });
});

it('a Lambda that knows nothing of long-lived runners ends no host of one', async () => {
  const { gitlab, store, item } = world();
  const toStop = { job, attempt: 1, type: 'EC2', runnerId: null, instanceId: null, reason: 'r' } as const;
  const drained = drainRunner(toStop, { gitlab, store, now: () => testStart }, lambdaContext());
  await expect(drained).rejects.toMatchObject({ name: 'LongLivedRunnerError' });
  expect(item()).toMatchObject({ state: 'LAUNCHED' });
});
