import fc from 'fast-check';
import picomatch from 'picomatch';
import { describe, expect, it } from 'vitest';
import { compileProjectGlob } from '../../../autoscaler/job-mappings/project-glob.ts';
import { projectGlobFault } from '../../../infrastructure/kit/project-glob.ts';
import { projectPatternOf } from '../../../infrastructure/kit/project-pattern.ts';

describe('a project glob', () => {
  it.each([
    ['group/project', 'group/project', true],
    ['group/*', 'group/project', true],
    ['group/*', 'group/sub/project', false],
    ['group/**', 'group/sub/project', true],
    ['group/**', 'group', true],
    ['group/**/api', 'group/api', true],
    ['{one,two}/*', 'two/x', true],
    ['group/[ab]*', 'group/b1', true],
    ['group/v?', 'group/v2', true],
    ['group/*', 'groups/project', false],
    ['group/*', 'group/.hidden', true],
    ['!group/**', 'other/x', true],
    ['!group/**', 'group/x', false],
    ['übung/*', 'übung/eins', true],
    ['Group/*', 'group/Project', true],
    ['group/app', 'Group/App', true],
    ['group/[!a]*', 'group/b', true],
    ['group/[!a]*', 'group/a', false],
    ['group/[!a]*', 'group/!', true],
    ['x/group[!a]app', 'x/group/app', false],
    ['x/group[^a]app', 'x/group/app', false],
    ['group/{a,b{1,2}}', 'group/b2', true],
  ])('"%s" on "%s": %s', (glob, path, matches) => {
    expect(projectGlobFault(glob)).toBeNull();
    expect(compileProjectGlob(glob).matches(path)).toBe(matches);
    expect(new RegExp(projectPatternOf([glob]), 'i').test(path), 'the same in allowedProjects').toBe(matches);
  });

  it.each([
    '+(a*)',
    '!(x)/*',
    '(a+)+',
    'a b',
    'https://gitlab.example.com/group',
    'group\\*',
    '',
    './group',
    '/group',
    'a'.repeat(1_025),
    'group/a/',
    'group//a',
    'app',
    '*',
    'group/[a',
    'group/{a',
    'group/{a}',
    'group/{1..3}',
    'group/a,b',
    'group/a!',
    'group/[]',
    'group/[z-a]',
  ])('"%.40s" is refused', (glob) => {
    expect(projectGlobFault(glob)).not.toBeNull();
  });

  it.each(['*a*a*a*a*b', '*a*/*b*/*c*', '**/a/**/a/**/a/**'])('"%s" is refused, since it may take long', (glob) => {
    expect(projectGlobFault(glob)).toMatch(/too many \*/);
  });

  it('that is refused matches nothing instead of holding up every job', () => {
    expect(compileProjectGlob('+(a*)b').matches('a'.repeat(40))).toBe(false);
    expect(compileProjectGlob(`${'*a'.repeat(40)}b`).matches('a'.repeat(255))).toBe(false);
  });

  it('never throws, and matches what picomatch matches', () => {
    const part = fc.constantFrom(
      'group',
      'g*',
      '*',
      '**',
      '?',
      '[',
      '[a',
      '{a,b}',
      '{a',
      '}',
      'a',
      '.',
      '!',
      '^',
      ',',
      '-',
    );
    const globs = fc.array(part, { minLength: 1, maxLength: 5 }).map((parts) => parts.join('/'));
    const paths = fc.array(fc.constantFrom('group', 'a', 'b', '.x'), { minLength: 1, maxLength: 4 });
    fc.assert(
      fc.property(globs, paths, (glob, parts) => {
        const path = parts.join('/');
        const expected = projectGlobFault(glob) === null && picomatch.isMatch(path, glob, { dot: true, nocase: true });
        expect(compileProjectGlob(glob).matches(path)).toBe(expected);
      }),
      { numRuns: 1_000 },
    );
  });
});
