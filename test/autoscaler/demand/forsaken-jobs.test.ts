import { describe, expect, it } from 'vitest';
import { forsakenAt, forsakenJobs } from '../../../autoscaler/demand/forsaken-jobs.ts';
import type { RunnerItem, RunnerState } from '../../../autoscaler/runner-store/runner-item.ts';
import { pendingJob, runnerItem } from '../../support/builders.ts';

const key = (jobId: number) => `job#7#${jobId}` as const;

/** A job that waits although its runner works: for the taken job. */
const starved = (jobId: number, taken: number, changes: Partial<RunnerItem> = {}) =>
  runnerItem({ jobId, state: 'RUNNING', takenJob: key(taken), runnerId: 100 + jobId, ...changes });
/** A job that runs elsewhere, in a state of its own runner. */
const elsewhere = (jobId: number, state: RunnerState, changes: Partial<RunnerItem> = {}) =>
  runnerItem({ jobId, state, jobState: 'RUNNING', ...changes });
const waitsInVain = (jobId: number, changes: Partial<RunnerItem> = {}) =>
  runnerItem({ jobId, state: 'RELEASED', ...changes });

/** Which jobs are forsaken, and in whose name another runner is asked for. */
const found = (...live: RunnerItem[]) =>
  forsakenJobs(live).map(({ item, ask }) => [item.event.jobId, ask?.jobId ?? null]);

describe('a job whose runner has ended', () => {
  it('asks for another one itself, unless an idle runner is left over', () => {
    expect(found(waitsInVain(1))).toEqual([[1, 1]]);
    expect(found(waitsInVain(1), runnerItem({ jobId: 2, state: 'LAUNCHED' }))).toEqual([[1, 1]]);
    expect(found(waitsInVain(1), elsewhere(2, 'LAUNCHED'))).toEqual([]);
  });

  it.each<[string, Partial<RunnerItem>]>([
    ['is over', { jobState: 'FINISHED' }],
    ['runs elsewhere', { jobState: 'RUNNING' }],
    ['has its own runner on the way', { state: 'LAUNCHED' }],
    ['waits for a place', { state: 'WAITING' }],
  ])('is not forsaken when it %s', (_, changes) => {
    expect(found(waitsInVain(1, changes))).toEqual([]);
  });

  it('counts a runner that is left over once', () => {
    expect(found(waitsInVain(1), waitsInVain(2), elsewhere(3, 'LAUNCHED'))).toHaveLength(1);
  });
});

describe('a job whose runner serves another job', () => {
  it('gets the runner that the other one never had', () => {
    expect(forsakenJobs([starved(1, 2)])).toEqual([
      {
        item: starved(1, 2),
        ask: { ...pendingJob({ jobId: 2 }), jobName: '', status: 'running', runnerId: 101 },
        inTheWay: null,
      },
    ]);
  });

  it.each(['WAITING', 'RELEASED', 'FAILED'] as const)('gets it also when the other one is %s', (state) => {
    const event = pendingJob({ jobId: 2, jobName: 'lint' });
    const [first] = forsakenJobs([starved(1, 2), elsewhere(2, state, { event })]);
    expect(first?.ask).toEqual({ ...event, status: 'running', runnerId: 101 });
  });

  it.each(['ADMITTED', 'REGISTERED', 'LAUNCHED'] as const)('counts on the other one’s runner, %s', (state) => {
    expect(found(starved(1, 2), elsewhere(2, state))).toEqual([]);
  });

  it('asks for nothing as long as the other one’s idle runner cannot run it, which is in the way unless another job needs it', () => {
    const [robbed, idle] = [starved(1, 2, { tags: ['large'] }), elsewhere(2, 'LAUNCHED')];
    expect(forsakenJobs([robbed, idle])).toEqual([{ item: robbed, ask: null, inTheWay: idle }]);
    expect(forsakenJobs([robbed, idle, waitsInVain(3)])).toEqual([{ item: robbed, ask: null, inTheWay: null }]);
  });

  it('is followed through a chain of jobs that took each other’s runners', () => {
    const chain = [starved(1, 2), starved(2, 3, { jobState: 'RUNNING' })];
    expect(found(...chain)).toEqual([[1, 3]]);
    expect(found(...chain, elsewhere(3, 'LAUNCHED'))).toEqual([]);
  });

  it('asks for nothing where the table contradicts itself', () => {
    expect(found(starved(1, 2), elsewhere(2, 'RUNNING', { takenJob: key(2) }))).toEqual([[1, null]]);
  });
});

describe('who needs the runner that a job asks for', () => {
  it('is the job whose runner it took', () => {
    expect(forsakenAt(key(2), [starved(1, 2)])?.item.pk).toBe(key(1));
    expect(forsakenAt(key(3), [starved(1, 2)])).toBeNull();
  });

  it('is nobody as long as an idle runner is left over', () => {
    expect(forsakenAt(key(2), [starved(1, 2), elsewhere(3, 'LAUNCHED')])).toBeNull();
  });

  it('is this job, when another one counts on the only idle runner', () => {
    const both = [starved(1, 2), waitsInVain(4), elsewhere(3, 'LAUNCHED')];
    expect(forsakenAt(key(2), both)?.item.pk).toBe(key(1));
    expect(forsakenAt(key(4), both)?.item.pk).toBe(key(4));
  });
});
