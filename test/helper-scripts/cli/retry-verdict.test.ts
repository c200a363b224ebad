import { describe, expect, it } from 'vitest';
import { judgeRetry } from '../../../helper-scripts/cli/retry-verdict.ts';
import { runnerItem } from '../../support/builders.ts';

describe('a job is asked for once more', () => {
  it('with all its attempts, when they failed', () => {
    expect(judgeRetry(runnerItem({ state: 'FAILED', attempt: 3 }))).toMatchObject({ kind: 'ask', attempts: true });
  });

  it.each(['WAITING', 'RELEASED'] as const)('as it is, when its item is %s', (state) => {
    expect(judgeRetry(runnerItem({ state }))).toMatchObject({ kind: 'ask', attempts: false });
  });
});

describe('a job is not asked for', () => {
  it.each([
    [{ state: 'FAILED', jobState: 'FINISHED' }, /is over; retry it in GitLab/],
    [{ state: 'RUNNING', jobState: 'RUNNING' }, /runs already/],
    [{ state: 'LAUNCHED', attempt: 2 }, /on the way \(attempt 2, LAUNCHED\)/],
    [{ state: 'RUNNING', takenJob: 'job#7#9' }, /serves another job/],
  ] as const)('that needs it not: %j', (changes, why) => {
    expect(judgeRetry(runnerItem(changes))).toEqual({ kind: 'refuse', why: expect.stringMatching(why) });
  });
});
