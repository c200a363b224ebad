import { describe, expect, it } from 'vitest';
import { isLookDue, nextWait } from '../../../autoscaler/demand/waits.ts';
import type { Wait } from '../../../autoscaler/runner-store/runner-item.ts';
import { testStart } from '../../support/builders.ts';

const failure = { error: 'GitLabUnavailableError', message: 'no answer' };
/** The waits of a job that meets the same again and again, each as soon as it is looked at. */
function waits(
  count: number,
  { random = 1, registered = false, ...met }: { random?: number; registered?: boolean; error?: string } = {},
): readonly Wait[] {
  const all: Wait[] = [];
  let now = testStart;
  for (let look = 0; look < count; look += 1) {
    const before = all.at(-1);
    const wait = nextWait(before ? { waitsFor: before } : null, { ...failure, ...met }, { now, random, registered });
    all.push(wait);
    now = Date.parse(wait.lookAt);
  }
  return all;
}
const secondsBetween = (all: readonly Wait[]) =>
  all.map(
    ({ lookAt }, index) => (Date.parse(lookAt) - Date.parse(all[index - 1]?.lookAt ?? all[0]?.since ?? '')) / 1_000,
  );

describe('a wait', () => {
  it('is looked at after some seconds at first, and later as often as the reconciler comes by', () => {
    expect(secondsBetween(waits(6))).toEqual([8, 16, 32, 30, 30, 30]);
  });

  it('is looked at more rarely where each look makes a runner in GitLab', () => {
    expect(secondsBetween(waits(8, { registered: true }))).toEqual([8, 16, 32, 30, 60, 120, 120, 120]);
  });

  it('is looked at as rarely where only a person can mend what is in the way', () => {
    const seconds = secondsBetween(waits(8, { error: 'LongLivedRunnerError' }));
    expect(seconds).toEqual([8, 16, 32, 30, 60, 120, 120, 120]);
  });

  it('spreads the looks of jobs that began to wait together', () => {
    expect(secondsBetween(waits(4, { random: 0 }))).toEqual([4, 8, 16, 15]);
  });

  it('keeps since when it lasts, and names what was met last', () => {
    const [first] = waits(1);
    const next = nextWait(
      { ...(first ? { waitsFor: first } : {}) },
      { error: 'NoCapacityError', message: 'x'.repeat(5_000) },
      { now: testStart + 60_000, random: 0, registered: true },
    );
    expect(next).toMatchObject({ error: 'NoCapacityError', since: first?.since, looks: 2 });
    expect(next.message).toHaveLength(1_000);
  });

  it('is due when its time has come, with a grace for whoever looks by himself', () => {
    const [wait] = waits(1);
    if (!wait) throw new Error('there is a first wait');
    expect(isLookDue(wait, testStart + 8_000, 0)).toBe(true);
    expect(isLookDue(wait, testStart + 7_999, 0)).toBe(false);
    expect(isLookDue(wait, testStart + 8_000, 20)).toBe(false);
    expect(isLookDue(wait, testStart + 28_000, 20)).toBe(true);
  });
});
