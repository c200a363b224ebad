import { describe, expect, it } from 'vitest';
import { nextWaiting } from '../../../autoscaler/demand/next-waiting.ts';
import type { RunnerItem } from '../../../autoscaler/runner-store/runner-item.ts';
import { runnerItem, testStart } from '../../support/builders.ts';
import { inMemoryRunnersStore } from '../../support/in-memory-runners-store.ts';

const cap = (counter: string, limit = 2) => ({ counter, limit });
const all = cap('cap#deployment');

const waiting = (jobId: number, changes: Partial<RunnerItem> = {}) =>
  runnerItem({
    jobId,
    state: 'WAITING',
    live: 'waiting',
    caps: [all],
    admittedAt: new Date(testStart + jobId * 1_000).toISOString(),
    ...changes,
  });
const ended = (jobId: number, changes: Partial<RunnerItem> = {}) =>
  runnerItem({ jobId, state: 'RELEASED', jobState: 'FINISHED', caps: [all], ...changes });

function world(items: readonly RunnerItem[], taken: Readonly<Record<string, number>> = {}) {
  const store = inMemoryRunnersStore(...items);
  for (const [counter, count] of Object.entries(taken)) store.counters.set(counter, count);
  let at = testStart;
  const next = async (item: RunnerItem) =>
    (await nextWaiting({ store, now: () => at }, item)).map(({ jobId }) => jobId);
  return { store, next, pass: (seconds: number) => (at += seconds * 1_000) };
}

describe('a runner that ends makes room for', () => {
  it('the job that waited longest', async () => {
    expect(await world([waiting(12), waiting(11)]).next(ended(1))).toEqual([11]);
  });

  it('nobody, when nobody waits, or it held no place', async () => {
    expect(await world([]).next(ended(1))).toEqual([]);
    expect(await world([waiting(11)]).next(ended(1, { caps: [] }))).toEqual([]);
  });

  it('another job than the one for which a runner that ended with it made room', async () => {
    const { next } = world([waiting(11), waiting(12), waiting(13)]);
    expect(await Promise.all([1, 2, 3, 4].map((jobId) => next(ended(jobId))))).toEqual([[11], [12], [13], []]);
  });

  it('the same job when it is asked again, whose answer was lost', async () => {
    const { next } = world([waiting(11), waiting(12)]);
    expect([await next(ended(1)), await next(ended(1)), await next(ended(2))]).toEqual([[11], [11], [12]]);
  });

  it('a job that was called half a minute ago and is still there', async () => {
    const { next, pass } = world([waiting(11)]);
    expect(await next(ended(1))).toEqual([11]);
    pass(29);
    expect(await next(ended(2))).toEqual([]);
    pass(2);
    expect(await next(ended(3))).toEqual([11]);
  });

  it('the first job all of whose caps have a place', async () => {
    const both = [all, cap('cap#profile#large', 1)];
    const { next } = world([waiting(11, { caps: both }), waiting(12)], { 'cap#profile#large': 1 });
    expect(await next(ended(1))).toEqual([12]);
  });

  it('the oldest, when none fits: its cap may have been raised since', async () => {
    expect(await world([waiting(11), waiting(12)], { 'cap#deployment': 2 }).next(ended(1))).toEqual([11]);
  });

  it.each<[string, Partial<RunnerItem>]>([
    ['waits for something else', { waitsFor: { error: 'E', message: '', since: '', lookAt: '', looks: 1 } }],
    ['runs elsewhere, and nobody misses its runner', { jobState: 'RUNNING' }],
    ['waits under other caps', { caps: [cap('cap#profile#large')] }],
  ])('no job that %s', async (_, changes) => {
    expect(await world([waiting(11, changes)]).next(ended(1))).toEqual([]);
  });

  it('a job that runs on the runner of another one, which needs the next', async () => {
    const robbed = runnerItem({ jobId: 5, state: 'RUNNING', takenJob: 'job#7#11' });
    expect(await world([waiting(11, { jobState: 'RUNNING' }), robbed]).next(ended(1))).toEqual([11]);
  });

  it('reads no more of the jobs that wait than it looks at', async () => {
    const { store, next } = world(Array.from({ length: 50 }, (_, index) => waiting(11 + index)));
    const pages: (string | undefined)[] = [];
    const { readWaiting } = store;
    Object.assign(store, {
      readWaiting: (after: RunnerItem | null) => {
        pages.push(after?.pk);
        return readWaiting(after);
      },
    });
    for (const jobId of [1, 2, 3]) await next(ended(jobId));
    expect(pages).toEqual([undefined, undefined, undefined, 'job#7#12']);
  });
});
