import { describe, expect, it } from 'vitest';
import { type RunnerItem, runnerStates } from '../../../autoscaler/runner-store/runner-item.ts';
import { RunnerStateChangedError, type RunnersStore } from '../../../autoscaler/runner-store/runners-store.ts';
import { admitJob } from '../../../autoscaler/start-runner/admit-job.lambda.ts';
import { releaseRunner } from '../../../autoscaler/stop-runner/release-runner.lambda.ts';
import { choice, runnerItem, testStart } from '../../support/builders.ts';
import { inMemoryBus } from '../../support/in-memory-bus.ts';
import { inMemoryOutageMark } from '../../support/in-memory-outage-mark.ts';
import { inMemoryReconcileStore } from '../../support/in-memory-reconcile-store.ts';
import { inMemoryRunnersStore } from '../../support/in-memory-runners-store.ts';
import { lambdaContext } from '../../support/lambda-context.ts';

const job = 'job#7#1';
const deployment = { counter: 'cap#deployment', limit: 2 };
const large = { counter: 'cap#profile#large', limit: 1 };
const toStop = { job, attempt: 1, type: 'EC2', runnerId: 101, instanceId: 'i-1', reason: 'r' } as const;

const stopping = (changes: Partial<RunnerItem> = {}) =>
  runnerItem({ state: 'STOPPING', jobState: 'FINISHED', caps: [deployment], ...changes });
const waiting = (jobId: number, changes: Partial<RunnerItem> = {}) =>
  runnerItem({
    jobId,
    state: 'WAITING',
    caps: [deployment],
    admittedAt: `2030-01-01T00:00:0${jobId}.000Z`,
    ...changes,
  });

function world(...items: readonly RunnerItem[]) {
  const store = inMemoryRunnersStore(...items);
  for (const { counter } of [deployment, large]) {
    const held = items.filter((item) => item.state !== 'WAITING' && item.caps.some((cap) => cap.counter === counter));
    store.counters.set(counter, held.length);
  }
  const release = (using: RunnersStore = store) =>
    releaseRunner(
      toStop,
      { store: using, outages: inMemoryOutageMark(), bus: inMemoryBus(), now: () => testStart },
      lambdaContext(),
    );
  return { store, release, next: async () => (await release()).next.map(({ jobId }) => jobId) };
}

describe('releaseRunner', () => {
  it('ends the item, its places and its tickets', async () => {
    const caps = [deployment, large];
    const { store, release } = world(stopping({ caps, ticketId: 'random', instanceId: 'i-1' }));
    for (const id of [job, 'random', 'i-1']) store.tickets.set(id, { id, token: 'glrt-fake', job, expiresAt: 1 });
    await release();
    expect(store.items.get(job)).toMatchObject({ state: 'RELEASED', stoppedAt: '2030-01-01T00:00:00.000Z' });
    expect(store.items.get(job)?.expiresAt).toBe(testStart / 1_000 + 14 * 86_400);
    expect(store.items.get(job)).not.toHaveProperty('live');
    expect([...store.counters.values()]).toEqual([0, 0]);
    expect(store.tickets.size).toBe(0);
  });

  it.each(['PENDING', 'RUNNING'] as const)(
    'keeps the item of a job among the live ones that is %s',
    async (jobState) => {
      const { store, release } = world(stopping({ jobState, takenJob: 'job#7#2' }));
      await release();
      expect(store.items.get(job)).toMatchObject({ state: 'RELEASED', jobState, live: 'live' });
      expect(store.items.get(job)).not.toHaveProperty('expiresAt');
    },
  );

  it('does not keep an item for ever whose job ends at the same moment', async () => {
    const { store, release } = world(stopping({ jobState: 'RUNNING' }));
    let writes = 0;
    await release({
      ...store,
      async write(...parts) {
        writes += 1;
        if (writes === 1) await store.write({ kind: 'update', job, from: ['STOPPING'], set: { jobState: 'FINISHED' } });
        return store.write(...parts);
      },
    });
    expect(store.items.get(job)).toMatchObject({
      state: 'RELEASED',
      jobState: 'FINISHED',
      expiresAt: expect.any(Number),
    });
    expect(store.items.get(job)).not.toHaveProperty('live');
    expect(store.counters.get('cap#deployment')).toBe(0);
  });

  it('gives its places back once, however often it is asked', async () => {
    const { store, release } = world(stopping(), runnerItem({ jobId: 2, state: 'RUNNING', caps: [deployment] }));
    await release();
    await release();
    expect(store.counters.get('cap#deployment')).toBe(1);
  });

  it('does not say that it is done when its end is refused', async () => {
    const { store, release } = world(stopping());
    // A person cleared the counter: there is no place to give back.
    store.counters.clear();
    await expect(release()).rejects.toThrow(RunnerStateChangedError);
    expect(store.items.get(job)).toMatchObject({ state: 'STOPPING' });
  });

  it('may be asked twice at the same moment', async () => {
    const { store, release } = world(stopping());
    await expect(Promise.all([release(), release()])).resolves.toHaveLength(2);
    expect(store.counters.get('cap#deployment')).toBe(0);
  });

  it.each(runnerStates.filter((state) => state !== 'STOPPING'))('leaves an item alone that is %s', async (state) => {
    const { store, release } = world(stopping({ state }));
    await release();
    expect(store.items.get(job)).toEqual(stopping({ state }));
  });

  it('leaves the item of another attempt alone', async () => {
    const { store, release } = world(stopping({ attempt: 2 }));
    expect(await release()).toEqual({ next: [] });
    expect(store.items.get(job)).toMatchObject({ state: 'STOPPING', attempt: 2 });
  });
});

describe('a job whose runner served another job', () => {
  const forsaken = stopping({ jobState: 'PENDING', takenJob: 'job#7#2', caps: [] });
  const spare = runnerItem({ jobId: 3, state: 'LAUNCHED', jobState: 'RUNNING' });

  it('asks for another runner, unless one is left over', async () => {
    expect(await world(forsaken).next()).toEqual([1]);
    expect(await world(forsaken, spare).next()).toEqual([]);
    expect(await world({ ...forsaken, jobState: 'RUNNING' }).next()).toEqual([]);
  });

  it('asks for one also when the first answer was lost', async () => {
    const { release, next } = world(forsaken);
    await release();
    expect(await next()).toEqual([1]);
  });

  it('asks for one although the index of live items does not show yet that its runner has ended', async () => {
    const { store, release } = world(forsaken);
    const before = await store.readLive();
    expect(await release({ ...store, readLive: async () => before })).toMatchObject({ next: [{ jobId: 1 }] });
  });
});

describe('a job that counted on a runner that ends', () => {
  const asked = async (...items: RunnerItem[]) =>
    (await world(...items).release()).next.map(({ jobId, status }) => [jobId, status]);
  const idle = stopping({ jobState: 'RUNNING', caps: [] });
  /** Job 2 waits; its runner took job 1. */
  const robbed = runnerItem({ jobId: 2, state: 'RUNNING', takenJob: job, runnerId: 102 });

  it('is asked for again in the name of the job that has its runner', async () => {
    expect(await asked(idle, robbed)).toEqual([[1, 'running']]);
    expect(await asked(idle, { ...robbed, jobState: 'RUNNING' })).toEqual([]);
  });

  it('is asked for also when this runner could not have run it', async () => {
    expect(await asked(idle, { ...robbed, tags: ['large'] })).toEqual([[1, 'running']]);
  });

  it('is asked for by its own event once its own runner has ended too', async () => {
    expect(await asked(idle, runnerItem({ jobId: 3, state: 'RELEASED' }))).toEqual([[3, 'pending']]);
    expect(await asked({ ...idle, jobState: 'FINISHED' }, runnerItem({ jobId: 3, state: 'RELEASED' }))).toHaveLength(1);
  });

  it('is not asked for when another idle runner is left over', async () => {
    const spare = runnerItem({ jobId: 4, state: 'LAUNCHED', jobState: 'RUNNING' });
    expect(await asked(idle, robbed, spare)).toEqual([]);
  });

  it('is not asked for when the runner that ends had a job', async () => {
    const busy = { ...idle, takenJob: job, jobState: 'FINISHED' } as const;
    expect(await asked(busy, runnerItem({ jobId: 3, state: 'RELEASED' }))).toEqual([]);
  });

  it('counts the failure of a stand-in as one of its attempts', async () => {
    const { store } = world({ ...idle, launchedAt: '2029-12-31T23:00:00.000Z' }, robbed);
    await releaseRunner(
      { ...toStop, failure: 'x' },
      { store, outages: inMemoryOutageMark(), bus: inMemoryBus(), now: () => testStart },
      lambdaContext(),
    );
    expect(store.items.get(job)).toMatchObject({ state: 'FAILED', failure: 'HostGone: x', jobState: 'RUNNING' });
  });
});

describe('a place that became free', () => {
  it('goes to the job that waited longest for it', async () => {
    const other = waiting(2, { caps: [large] });
    expect(await world(stopping(), waiting(4), waiting(3), other).next()).toEqual([3]);
  });

  it('goes to nobody when nobody waits for it', async () => {
    expect(await world(stopping(), waiting(2, { caps: [large] })).next()).toEqual([]);
    expect(await world(stopping(), runnerItem({ jobId: 2, state: 'FAILED', caps: [deployment] })).next()).toEqual([]);
  });

  it('is none when the runner held none', async () => {
    expect(await world(stopping({ caps: [] }), waiting(2)).next()).toEqual([]);
  });

  it('goes to a job that began to wait when the cap was lower than it is now', async () => {
    const raised = { ...deployment, limit: 5 };
    const others = [5, 6, 7].map((jobId) => runnerItem({ jobId, state: 'RUNNING', caps: [raised] }));
    const waitingSinceThen = waiting(2, { caps: [{ ...deployment, limit: 1 }] });
    expect(await world(stopping({ caps: [raised] }), ...others, waitingSinceThen).next()).toEqual([2]);
  });

  it('goes to a job that still waits, and not to one that another runner took meanwhile', async () => {
    expect(await world(stopping(), waiting(2, { jobState: 'RUNNING' }), waiting(3)).next()).toEqual([3]);
  });

  it('goes to a job that runs on the runner of another one, which has none then', async () => {
    const robbed = runnerItem({ jobId: 9, state: 'RUNNING', takenJob: 'job#7#2', runnerId: 109 });
    expect(await world(stopping(), waiting(2, { jobState: 'RUNNING' }), robbed, waiting(3)).next()).toEqual([2]);
  });

  it('goes to the waiting job also when the first answer was lost', async () => {
    const { release, next } = world(stopping(), waiting(2));
    await release();
    expect(await next()).toEqual([2]);
  });

  it('goes to the waiting job also when the store fails between the release and the look for it', async () => {
    const { store, release, next } = world(stopping(), waiting(2));
    const down = Object.assign(new Error('slow down'), { name: 'ThrottlingException' });
    await expect(release({ ...store, readWaiting: () => Promise.reject(down) })).rejects.toBe(down);
    expect(await next()).toEqual([2]);
  });

  it('goes to a job that can use it: not one that has to go on waiting for another cap', async () => {
    const { store, release } = world(
      stopping(),
      runnerItem({ jobId: 2, state: 'RUNNING', caps: [deployment, large] }),
      waiting(3, { caps: [deployment, large] }),
      waiting(4),
    );
    const { next } = await release();
    for (const event of next) {
      const { caps } = store.items.get(`job#7#${event.jobId}`) as RunnerItem;
      const input = { event, choice: choice({ caps: [...caps] }), execution: 'e' };
      await admitJob(
        input,
        { store, projects: inMemoryReconcileStore(store), bus: inMemoryBus(), maxAttempts: 3, now: () => testStart },
        lambdaContext(),
      ).catch(() => {});
    }
    expect(store.items.get('job#7#4')).toMatchObject({ state: 'ADMITTED' });
    expect(store.counters.get('cap#deployment')).toBe(2);
  });
});
