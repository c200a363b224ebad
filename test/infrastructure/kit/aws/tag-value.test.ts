import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { tagValueOf } from '../../../../infrastructure/kit/aws/tag-value.ts';

describe('a text from elsewhere as the value of a tag', () => {
  it('is one that EC2 takes', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 300 }), (text) => {
        const value = tagValueOf(text);
        expect(value).toMatch(/^[\p{L}\p{N} _.:/=+@-]{0,256}$/u);
        expect(value).not.toMatch(/^aws:/i);
      }),
      { seed: 14, numRuns: 3_000, examples: [['AWS:x'], [`${'x'.repeat(255)}𝒳𝒳`], ['a\u202Eb'], ['a\u0301']] },
    );
  });

  it('stays as it is when EC2 takes it', () => {
    expect(tagValueOf('gröup/my_app-2.0')).toBe('gröup/my_app-2.0');
  });
});
