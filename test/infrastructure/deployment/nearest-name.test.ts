import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { editDistance, nearestOf } from '../../../infrastructure/deployment/nearest-name.ts';

const word = fc.string({ maxLength: 12 });

describe('the distance of two words', () => {
  it.each([
    ['', 'abc', 3],
    ['same', 'same', 0],
    ['image', 'imgae', 1],
    ['maxConcurent', 'maxConcurrent', 1],
    ['kitten', 'sitting', 3],
    ['profiles', 'profile', 1],
  ])('"%s" to "%s" is %i', (a, b, distance) => {
    expect(editDistance(a, b)).toBe(distance);
  });

  it('is nothing for the same word alone, the same both ways, and at most the longer word', () => {
    fc.assert(
      fc.property(word, word, (a, b) => {
        const distance = editDistance(a, b);
        expect(distance === 0).toBe(a === b);
        expect(editDistance(b, a)).toBe(distance);
        expect(distance).toBeLessThanOrEqual(Math.max(a.length, b.length));
        expect(distance).toBeGreaterThanOrEqual(Math.abs(a.length - b.length));
      }),
    );
  });

  it('is one for one letter more, less, changed or swapped', () => {
    const position = fc.nat({ max: 5 });
    fc.assert(
      fc.property(fc.stringMatching(/^[a-m]{6}$/), position, (text, at) => {
        expect(editDistance(text, `${text.slice(0, at)}z${text.slice(at)}`)).toBe(1);
        expect(editDistance(text, text.slice(0, at) + text.slice(at + 1))).toBe(1);
        expect(editDistance(text, `${text.slice(0, at)}z${text.slice(at + 1)}`)).toBe(1);
        const swapped = `${text.slice(0, at)}${text[at + 1] ?? ''}${text[at]}${text.slice(at + 2)}`;
        expect(editDistance(text, swapped)).toBeLessThanOrEqual(1);
      }),
    );
  });
});

describe('the nearest of several', () => {
  it('is the one with the fewest changes, whatever the case', () => {
    expect(nearestOf('INSTANCETYPE', ['instanceTypes', 'instances', 'type'])).toBe('instanceTypes');
  });

  it('is none when more than a third differs', () => {
    expect(nearestOf('colour', ['image', 'volumes'])).toBeUndefined();
    expect(nearestOf('ab', ['cd'])).toBeUndefined();
    expect(nearestOf('x', [])).toBeUndefined();
  });
});
