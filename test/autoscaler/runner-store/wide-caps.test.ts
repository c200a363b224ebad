import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { admitJob } from '../../../autoscaler/demand/admit-job.ts';
import { endRunner } from '../../../autoscaler/end-runner/end-runner.ts';
import type { RunnerItem } from '../../../autoscaler/runner-store/runner-item.ts';
import type { RunnersStore } from '../../../autoscaler/runner-store/runners-store.ts';
import { homeShards, placeOf, placesUnder, shards } from '../../../autoscaler/runner-store/wide-caps.ts';
import { jobKeyOf } from '../../../infrastructure/kit/job-key.ts';
import { choice, pendingJob, runnerItem, testStart } from '../../support/builders.ts';
import { inMemoryRunnersStore } from '../../support/in-memory-runners-store.ts';

const counter = 'cap#deployment';
const every = Array.from({ length: shards }, (_, shard) => shard);
const sum = (numbers: readonly number[]) => numbers.reduce((a, b) => a + b, 0);

async function admit(store: RunnersStore, jobId: number, limit: number): Promise<RunnerItem | string> {
  const event = pendingJob({ jobId });
  const request = {
    event,
    choice: choice({ caps: [{ counter, limit }] }),
    admittedBy: `execution-${jobId}`,
    now: new Date(testStart).toISOString(),
    maxAttempts: 3,
  };
  return admitJob(store, jobKeyOf(event), request).catch((error: Error) => error.name);
}
const isAdmitted = (outcome: RunnerItem | string): outcome is RunnerItem => typeof outcome !== 'string';

/** So many jobs at the same moment. */
const admitAll = (store: RunnersStore, jobs: number, limit: number) =>
  Promise.all(Array.from({ length: jobs }, (_, index) => admit(store, index + 1, limit)));

const end = (store: RunnersStore, item: RunnerItem) =>
  endRunner({ store, now: () => testStart }, item, { from: ['ADMITTED'], end: { state: 'RELEASED' } });

describe('a wide cap', () => {
  it('has shards whose shares add up to its limit, and none of which grows when the limit falls', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 100_000 }), fc.nat({ max: 1_000 }), (limit, fewer) => {
        const shareOf = (of: number, shard: number) => placeOf({ counter, limit: of, shard }).limit;
        expect(sum(every.map((shard) => shareOf(limit, shard)))).toBe(limit);
        for (const shard of every) expect(shareOf(limit - fewer, shard)).toBeLessThanOrEqual(shareOf(limit, shard));
      }),
    );
  });

  it('lets in exactly as many jobs as it allows, of a thousand at the same moment, and is free when they are over', async () => {
    const store = inMemoryRunnersStore();
    const outcomes = await admitAll(store, 1_000, 300);
    const admitted = outcomes.filter(isAdmitted);
    expect(admitted).toHaveLength(300);
    expect(new Set(outcomes.filter((outcome) => !isAdmitted(outcome)))).toEqual(new Set(['CapReachedError']));
    expect((await placesUnder(store, admitted)).get(counter)).toBe(300);
    for (const item of admitted) await end(store, item);
    expect(sum([...store.counters.values()])).toBe(0);
  });

  it('spreads jobs that come together, so that no counter takes more than its part of them', async () => {
    const store = inMemoryRunnersStore();
    await admitAll(store, 1_000, 2_000);
    expect(Math.max(...store.counters.values())).toBe(Math.ceil(1_000 / shards));
    expect(store.counters.size).toBe(shards);
  });

  it('gives the last place away wherever it is', async () => {
    const store = inMemoryRunnersStore();
    const items = (await admitAll(store, 100, 100)).filter(isAdmitted);
    for (const one of items.slice(0, 20)) {
      await end(store, one);
      // Each of these has the same shard at home.
      expect(await admit(store, 1_000 * shards + one.event.jobId * shards, 100)).toMatchObject({ state: 'ADMITTED' });
      expect(await admit(store, 9_000_000 + one.event.jobId, 100)).toBe('CapReachedError');
    }
  });

  it('counts those that were admitted before it had shards, until they have ended', async () => {
    const earlier = Array.from({ length: 80 }, (_, index) =>
      runnerItem({ jobId: 5_000 + index, caps: [{ counter, limit: 100 }] }),
    );
    const store = inMemoryRunnersStore(...earlier);
    store.counters.set(counter, 80);
    const admitted = (await admitAll(store, 50, 100)).filter(isAdmitted);
    expect(admitted).toHaveLength(20);
    for (const item of earlier.slice(0, 10)) await end(store, item);
    expect(await admit(store, 60, 100)).toMatchObject({ state: 'ADMITTED' });
    expect((await placesUnder(store, admitted)).get(counter)).toBe(91);
  });

  it('costs a job one look at what was admitted earlier, and one transaction, as long as there is room', async () => {
    const store = inMemoryRunnersStore();
    const asked: (readonly string[])[] = [];
    const writes: number[] = [];
    const watched: RunnersStore = {
      ...store,
      placesTaken: (counters) => {
        asked.push(counters);
        return store.placesTaken(counters);
      },
      write: (...parts) => {
        writes.push(parts.length);
        return store.write(...parts);
      },
    };
    await admit(watched, 1, 1_000);
    expect([asked, writes]).toEqual([[[counter]], [2]]);
  });
});

it('a narrow cap has one counter, as ever', async () => {
  const store = inMemoryRunnersStore();
  await admitAll(store, 30, 20);
  expect([...store.counters]).toEqual([[counter, 20]]);
  expect(homeShards([{ counter, limit: 20 }], 'job#7#1')).toEqual([{ counter, limit: 20 }]);
});
