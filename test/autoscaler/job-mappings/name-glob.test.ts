import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { literalLength, matchesNameGlob, prefixLength } from '../../../autoscaler/job-mappings/name-glob.ts';

describe('matchesNameGlob', () => {
  it.each([
    ['deploy-*', 'deploy-prod', true],
    ['deploy-*', 'deploy-', true],
    ['deploy-*', 'deploy', false],
    ['*', '', true],
    ['?', '', false],
    ['a*b*c', 'a/b: b c', true],
    ['a*b*c', 'a/b: b c ', false],
    ['build ?.*', 'build 3.x', true],
    ['a?c', 'a\nc', true],
    ['??', '🚀', false],
    ['?', '🚀', true],
    ['(a+)*', 'aaaa', false],
    ['', '', true],
    ['', 'a', false],
  ])('holds "%s" against "%s": %s', (glob, name, matches) => {
    expect(matchesNameGlob(glob, name)).toBe(matches);
  });

  it('agrees with a regular expression on every glob and name', () => {
    const text = fc.string({ unit: fc.constantFrom('a', 'b', '*', '?', '🚀', ' ', '.'), maxLength: 9 });
    const expressionOf = (glob: string) =>
      new RegExp(`^${glob.replace(/\./gu, '\\.').replace(/\*/gu, '.*').replace(/\?/gu, '.')}$`, 'su');
    fc.assert(
      fc.property(text, text, (glob, name) => {
        expect(matchesNameGlob(glob, name)).toBe(expressionOf(glob).test(name));
      }),
      { numRuns: 2_000 },
    );
  });

  it('ends on a glob that keeps a regular expression busy for years', () => {
    expect(matchesNameGlob(`${'*a'.repeat(100)}*b`, 'a'.repeat(255))).toBe(false);
  });
});

describe('of a glob', () => {
  it.each([
    ['deploy-*', 7, 7],
    ['*-prod', 0, 5],
    ['a?b*c', 1, 3],
    ['plain', 5, 5],
    ['🚀*🚀', 2, 2],
    ['**', 0, 0],
  ])('"%s" the prefix has %i units and all that is literal %i characters', (glob, prefix, literal) => {
    expect([prefixLength(glob), literalLength(glob)]).toEqual([prefix, literal]);
  });
});
