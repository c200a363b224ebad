import { describe, expect, it } from 'vitest';
import { parseDurationSeconds } from '../../../helper-scripts/local-gitlab/duration.ts';

describe('a duration', () => {
  it.each([
    ['90', 90],
    ['10 minutes', 600],
    ['3h 30m', 12_600],
    ['1 day and 1 second', 86_401],
    ['2 hrs', undefined],
    ['soon', undefined],
    ['', undefined],
  ])('"%s" is %s seconds', (text, seconds) => {
    expect(parseDurationSeconds(text)).toBe(seconds);
  });
});
