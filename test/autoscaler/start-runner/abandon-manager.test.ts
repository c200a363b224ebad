import { describe, expect, it } from 'vitest';
import type { RunnerItem } from '../../../autoscaler/runner-store/runner-item.ts';
import { type AbandonRunnerPorts, abandonRunner } from '../../../autoscaler/start-runner/abandon-runner.lambda.ts';
import { pendingJob, runnerItem, testStart } from '../../support/builders.ts';
import { inMemoryBus } from '../../support/in-memory-bus.ts';
import { inMemoryGitLab } from '../../support/in-memory-gitlab.ts';
import { inMemoryInstances } from '../../support/in-memory-instances.ts';
import { inMemoryLongLivedRunners } from '../../support/in-memory-long-lived-runners.ts';
import { inMemoryOutageMark } from '../../support/in-memory-outage-mark.ts';
import { inMemoryRunnersStore } from '../../support/in-memory-runners-store.ts';
import { lambdaContext } from '../../support/lambda-context.ts';

const job = 'job#7#1';
const instanceId = 'i-0001';
const caps = [{ counter: 'cap#deployment', limit: 1 }];

/** An attempt of job 1 that was to run on a host of a long-lived runner; `ticket`: under which id it still waits. */
function world({ ticket, ...changes }: Partial<RunnerItem> & { readonly ticket?: string } = {}) {
  const gitlab = inMemoryGitLab();
  const gone = new Set<string>();
  const longLived = inMemoryLongLivedRunners(gitlab, (id) => gone.has(id));
  const { runnerId, token } = longLived.bring('shared');
  const launchedAt = '2029-12-31T23:59:00.000Z';
  const host = { state: 'LAUNCHED', launchedAt, profile: 'shared', managerOf: runnerId, instanceId, caps } as const;
  const store = inMemoryRunnersStore(runnerItem({ ...host, ...changes }));
  store.counters.set('cap#deployment', 1);
  if (ticket) store.tickets.set(ticket, { id: ticket, token, job, expiresAt: 1, mode: 'manager' });
  const never = () => Promise.reject(new Error('touched the runner of everybody'));
  const untouched = { removeRunner: never, pauseRunner: never, jobsOf: never };
  const abandon = (error = 'HostNeverCameError', asked: AbandonRunnerPorts['gitlab'] = untouched) =>
    abandonRunner(
      { projectId: 7, jobId: 1, attempt: 1, event: pendingJob(), error, cause: 'none' },
      {
        gitlab: asked,
        longLived,
        instances: inMemoryInstances(),
        store,
        outages: inMemoryOutageMark(),
        bus: inMemoryBus(),
        maxAttempts: 3,
        now: () => testStart,
        random: () => 0,
      },
      lambdaContext(),
    );
  return { gitlab, gone, longLived, runnerId, store, abandon, item: () => store.items.get(job) };
}
const undone = (store: ReturnType<typeof inMemoryRunnersStore>, state: RunnerItem['state'] = 'FAILED') => {
  expect(store.items.get(job)).toMatchObject({ state });
  expect(store.counters.get('cap#deployment')).toBe(0);
  expect(store.tickets.size).toBe(0);
};

describe('an attempt on a long-lived runner that failed', () => {
  it('before it had a host is undone, and asked for again', async () => {
    const { abandon, store, item } = world({ state: 'REGISTERED', ticketId: job, ticket: job });
    const { instanceId: _, launchedAt: __, ...hostless } = item() as RunnerItem;
    store.items.set(job, hostless);
    expect(await abandon('NoCapacityError')).toMatchObject({ retry: { jobId: 1 } });
    undone(store, 'WAITING');
  });

  it('before its host had claimed the ticket is undone, and the host gets no token any more', async () => {
    const { abandon, store } = world({ ticket: instanceId, ticketId: instanceId });
    await abandon();
    undone(store);
  });

  it('is left alone while its host may yet take a job', async () => {
    const { abandon, store, item } = world();
    expect(await abandon()).toMatchObject({ retry: null });
    expect(item()).toMatchObject({ state: 'LAUNCHED' });
    expect(store.counters.get('cap#deployment')).toBe(1);
  });

  it('is bound when its host took a job', async () => {
    const { abandon, gitlab, longLived, runnerId, item } = world();
    gitlab.setJob({ id: 5 });
    longLived.giveJobTo(runnerId, instanceId);
    expect(await abandon()).toMatchObject({ retry: null });
    expect(item()).toMatchObject({ state: 'RUNNING', takenJob: 'job#7#5' });
  });

  it('is undone when its host is gone, which is removed from the runner', async () => {
    const { abandon, gone, longLived, runnerId, store } = world();
    longLived.giveJobTo(runnerId, instanceId);
    longLived.giveJobTo(runnerId, 'i-0002');
    gone.add(instanceId);
    await abandon();
    undone(store);
    expect([...(longLived.hosts.get(runnerId) ?? [])]).toEqual(['s_000000000002']);
  });

  it('gets no host behind its back: a launch that comes between look and write is looked at', async () => {
    const { abandon, store, item } = world({ state: 'REGISTERED', ticketId: job, ticket: job });
    const launched = { ...(item() as RunnerItem), state: 'LAUNCHED' } as const;
    const { instanceId: _, ...hostless } = item() as RunnerItem;
    store.items.set(job, hostless);
    const read = store.read;
    store.read = async (key) => {
      store.read = read;
      const seen = await read(key);
      store.items.set(job, launched);
      return seen;
    };
    await abandon();
    expect(item()).toMatchObject({ state: 'LAUNCHED' });
  });

  it('says why when the runner would never take the job, which waits until somebody mends that', async () => {
    const { abandon, store, item } = world({ state: 'ADMITTED' });
    const { instanceId: _, managerOf: __, launchedAt: ___, ...admitted } = item() as RunnerItem;
    store.items.set(job, admitted);
    const without = { removeRunner: async () => true, pauseRunner: async () => true, jobsOf: async () => [] };
    expect(await abandon('LongLivedRunnerError', without)).toMatchObject({ retry: { jobId: 1 } });
    expect(item()).toMatchObject({ state: 'WAITING', waitsFor: { error: 'LongLivedRunnerError', message: 'none' } });
  });
});
