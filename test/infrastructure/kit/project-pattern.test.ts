import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { createProjectFilter } from '../../../infrastructure/kit/project-filter.ts';
import { ProjectPatternTooLongError, projectPatternOf } from '../../../infrastructure/kit/project-pattern.ts';

const allowsWith = (...allowedProjects: string[]) => {
  const filter = createProjectFilter(projectPatternOf(allowedProjects));
  return (path: string | null) => filter(path).allowed;
};

describe('allowedProjects', () => {
  test.each([
    ['group/project', 'group/project', true],
    ['group/project', 'group/project-two', false],
    ['group/project', 'other/group/project', false],
    ['Group/Project', 'group/project', true],
    ['group/*', 'group/project', true],
    ['group/*', 'group/.profile', true],
    ['group/*', 'group/sub/project', false],
    ['group/**', 'group/sub/project', true],
    ['group/**', 'group-two/project', false],
    ['**/deploy', 'group/sub/deploy', true],
    ['{one,two}/project', 'two/project', true],
    ['group/pro.ect', 'group/project', false],
  ])('%s: does it allow %s? %s', (glob, path, expected) => {
    expect(allowsWith(glob)(path)).toBe(expected);
  });

  test('several entries allow what any of them allows', () => {
    const allows = allowsWith('one/*', 'two/project');
    expect([allows('one/a'), allows('two/project'), allows('two/other')]).toEqual([true, true, false]);
  });

  test('without entries every project is allowed, also one whose path is unknown', () => {
    expect([allowsWith()('any/project'), allowsWith()(null)]).toEqual([true, true]);
  });

  test('with entries a project whose path is unknown is not allowed, and the reason says why', () => {
    const verdict = createProjectFilter(projectPatternOf(['**']))(null);
    expect(verdict).toEqual({ allowed: false, reason: expect.stringContaining('is not told') });
  });

  test('a plain path allows itself and nothing longer', () => {
    const part = fc.stringMatching(/^[a-z0-9_][a-z0-9_.-]{0,12}$/);
    fc.assert(
      fc.property(part, part, part, (group, project, more) => {
        const allows = allowsWith(`${group}/${project}`);
        expect(allows(`${group}/${project}`)).toBe(true);
        expect(allows(`${group}/${project}/${more}`)).toBe(false);
      }),
    );
  });

  test('more entries than the environment of a Lambda takes are refused with what to do', () => {
    const many = Array.from({ length: 300 }, (_, index) => `group/project-${index}`);
    expect(() => projectPatternOf(many)).toThrow(ProjectPatternTooLongError);
    expect(() => projectPatternOf(many)).toThrow(/group\/\*\*/);
  });
});
