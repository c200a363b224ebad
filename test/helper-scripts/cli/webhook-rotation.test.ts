import { describe, expect, it } from 'vitest';
import {
  knownAfterMilliseconds,
  rotationRestHours,
  untilKnownMilliseconds,
  whatRotationBreaks,
} from '../../../helper-scripts/cli/webhook-rotation.ts';

const now = Date.parse('2026-11-30T12:00:00Z');
const hours = 60 * 60 * 1_000;

describe('a rotation of the tokens of the hook', () => {
  it('breaks nothing when it is the first, however new the deployment is', () => {
    expect(whatRotationBreaks({ madeAt: now, hasPrevious: false }, now)).toBeNull();
  });

  it('breaks hooks when the last one was within a day, and says which', () => {
    const soon = { madeAt: now - 5 * 60_000, hasPrevious: true };
    expect(whatRotationBreaks(soon, now)).toMatch(/rotated 5 ?m(in)? ago: hooks that have not been given the new ones/);
    const almost = { madeAt: now - rotationRestHours * hours + 1, hasPrevious: true };
    expect(whatRotationBreaks(almost, now)).not.toBeNull();
  });

  it('is nothing to ask about a day later', () => {
    expect(whatRotationBreaks({ madeAt: now - rotationRestHours * hours, hasPrevious: true }, now)).toBeNull();
  });

  it('is asked about too when the clock here is behind that of AWS', () => {
    expect(whatRotationBreaks({ madeAt: now + 60_000, hasPrevious: true }, now)).toMatch(/rotated 0/);
  });
});

describe('a hook that is given new tokens', () => {
  it.each([
    ['at once, when they are old', now - 24 * hours, 0],
    ['when all that receive hooks know them', now, knownAfterMilliseconds],
    ['a moment later, when they are a moment old', now - 1_000, knownAfterMilliseconds - 1_000],
    ['no later than that, whatever the clocks say', now + hours, knownAfterMilliseconds],
  ])('gets them %s', (_when, madeAt, milliseconds) => {
    expect(untilKnownMilliseconds(madeAt, now)).toBe(milliseconds);
  });
});
