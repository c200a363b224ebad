import { describe, expect, it } from 'vitest';
import { type HandOut, judgePlacement, type LineChange } from './placement.ts';

/** Job 5, which belongs on profile `shell`, as it is given to a runner that was let ask at 100. */
function handOut(changes: Partial<HandOut> = {}): HandOut {
  return { jobId: 5, profiles: ['shell'], profile: 'shell', lookedAt: 100, pendingAt: 0, changes: [], ...changes };
}

const change = (changes: Partial<LineChange> = {}): LineChange => ({ at: 101, jobId: 4, what: 'came', ...changes });

describe('a job', () => {
  it('is as mapped on a runner of its profile or of its fallback, whatever happened', () => {
    expect(judgePlacement(handOut())).toBe('as mapped');
    const withFallback = handOut({ profiles: ['shell', 'default'], profile: 'default', changes: [change()] });
    expect(judgePlacement(withFallback)).toBe('as mapped');
  });

  it('is misplaced on a runner of another profile, and when it was left to others', () => {
    expect(judgePlacement(handOut({ profile: 'default' }))).toBe('misplaced');
    expect(judgePlacement(handOut({ profiles: [] }))).toBe('misplaced');
  });

  it.each(['came', 'left', 'taken by others', 'passed over'] as const)(
    'is excused when a job with a lower id %s after the look',
    (what) => {
      expect(judgePlacement(handOut({ profile: 'default', changes: [change({ what })] }))).toBe('excused');
    },
  );

  it('is excused when it became pending itself after the look', () => {
    expect(judgePlacement(handOut({ profile: 'default', changes: [change({ jobId: 5 })] }))).toBe('excused');
  });

  it('is passed when nobody had started it for five minutes', () => {
    const late = { profile: 'default', lookedAt: 300_000 };
    expect(judgePlacement(handOut(late))).toBe('passed');
    expect(judgePlacement(handOut({ ...late, pendingAt: 1 }))).toBe('misplaced');
  });

  it('is not excused by what happened before the look, or behind it in the line', () => {
    const early = change({ at: 99 });
    const behind = change({ jobId: 6 });
    expect(judgePlacement(handOut({ profile: 'default', changes: [early, behind] }))).toBe('misplaced');
  });
});
