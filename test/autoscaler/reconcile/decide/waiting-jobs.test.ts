import { describe, expect, it } from 'vitest';
import { deferredJobs, jobsToLookAt } from '../../../../autoscaler/reconcile/decide/waiting-jobs.ts';
import type { RunnerItem } from '../../../../autoscaler/runner-store/runner-item.ts';
import { pendingJob, runnerItem, testStart } from '../../../support/builders.ts';

const secondsAfter = (seconds: number) => testStart + seconds * 1_000;
const at = (seconds: number) => new Date(secondsAfter(seconds)).toISOString();
const waiting = (jobId: number, lookAtSeconds: number, changes: Partial<RunnerItem> = {}, looks = 9) =>
  runnerItem({
    jobId,
    state: 'WAITING',
    waitsFor: { error: 'GitLabUnavailableError', message: '', since: at(0), lookAt: at(lookAtSeconds), looks },
    ...changes,
  });
const looked = (
  live: readonly RunnerItem[],
  changes: Partial<Parameters<typeof jobsToLookAt>[0]> = {},
  seconds = 100,
) =>
  jobsToLookAt({ live, jobs: new Map(), isGitLabAway: false, patience: 1, ...changes }, secondsAfter(seconds)).map(
    ({ jobId }) => jobId,
  );

describe('a job that waits because something is in the way', () => {
  it('is looked at as soon as its time has come', () => {
    expect(looked([waiting(1, 100)])).toEqual([1]);
    expect(looked([waiting(1, 101)])).toEqual([]);
  });

  it('is looked at a little later where the workflow was to look, and did not', () => {
    const first = (lookAtSeconds: number) => waiting(1, lookAtSeconds, {}, 3);
    expect(looked([first(80)])).toEqual([1]);
    expect(looked([first(81)])).toEqual([]);
    expect(looked([first(81)], { patience: 0.5 })).toEqual([1]);
  });

  it('is not looked at while GitLab is away', () => {
    expect(looked([waiting(1, 0)], { isGitLabAway: true })).toEqual([]);
  });

  it('is not looked at when GitLab says that it waits no more', () => {
    const seen = (status: string) => ({
      jobs: new Map([['job#7#1', { status, runnerId: null, event: null }]] as const),
    });
    expect(looked([waiting(1, 0)], seen('canceled'))).toEqual([]);
    expect(looked([waiting(1, 0)], seen('pending'))).toEqual([1]);
  });

  it('is looked at in the order of their times, at most three hundred in one pass', () => {
    const many = Array.from({ length: 400 }, (_, index) => waiting(index + 1, -index));
    expect(looked(many)).toEqual(Array.from({ length: 300 }, (_, index) => 400 - index));
  });

  it('is asked for by an event that is no delivery of GitLab’s', () => {
    const event = pendingJob({ deliveryId: 'delivery-1' });
    const seen = { live: [waiting(1, 0, { event })], jobs: new Map(), isGitLabAway: false, patience: 1 };
    expect(jobsToLookAt(seen, secondsAfter(100))).toEqual([{ ...event, deliveryId: null }]);
  });

  it('is none that waits for a place, has a runner, or runs', () => {
    const { waitsFor } = waiting(1, 0);
    const others = [
      runnerItem({ state: 'WAITING' }),
      runnerItem({ state: 'ADMITTED', ...(waitsFor ? { waitsFor } : {}) }),
      waiting(1, 0, { jobState: 'RUNNING' }),
      waiting(1, 0, { jobState: 'FINISHED' }),
    ];
    expect(deferredJobs(others)).toEqual([]);
    expect(looked(others)).toEqual([]);
  });
});
