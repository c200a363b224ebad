import { describe, expect, it } from 'vitest';
import { faultsOfProfile } from '../inputs.ts';

/** A name in braces, as gitlab-runner takes it too. */
const inBraces = (name: string) => `$\{${name}}`;
const faultsOfVariables = (environment: object) => faultsOfProfile({ environment });

describe('the variables that a profile gives to its jobs', () => {
  it.each([
    ['a dollar sign, written twice as in .gitlab-ci.yml', 'pa$$word costs $$5, $$HOME and $$$$'],
    ['a variable of GitLab’s', `$CI_PROJECT_DIR/.cache/${inBraces('CI_COMMIT_REF_SLUG')}`],
    ['one that GitLab sets in some jobs', '$CI_COMMIT_TAG-$CI_MERGE_REQUEST_IID'],
    ['what has no meaning', 'it\'s "fine" \\ #{x} `x` {x}\n'],
  ])('may have %s', (_what, value) => {
    expect(faultsOfVariables({ VALUE: value })).toEqual([]);
  });

  it.each([
    ['$PATH', '/opt/x:$PATH'],
    [inBraces('HOME'), `${inBraces('HOME')}/x`],
    ['$5x', 'cost $5x'],
    ['$', 'cost $ 5'],
    ['$', 'ends with $'],
    [inBraces(''), inBraces('')],
    ['$', 'at the $?'],
  ])('are refused where the runner would put nothing for %s', (text, value) => {
    const [first] = faultsOfVariables({ VALUE: value });
    expect(first).toContain(`environment.VALUE: "${text}" is no variable of GitLab's`);
    expect(first).toMatch(/write "\$\$" for a dollar sign, or export the variable in hooks\.preBuild$/);
  });

  it('are refused for each name that GitLab does not have, with the nearest that it has', () => {
    const remedy = 'write "$$" for a dollar sign, or export the variable in hooks.preBuild';
    const vanishes = "is no variable of GitLab's, and would vanish;";
    expect(faultsOfVariables({ A: '$CI_PROJCET_DIR/$NOBODY' })).toEqual([
      `environment.A: "$CI_PROJCET_DIR" ${vanishes} did you mean "$CI_PROJECT_DIR"? Else ${remedy}`,
      `environment.A: "$NOBODY" ${vanishes} ${remedy}`,
    ]);
  });

  it('are refused under a name that GitLab sets in every job, and fine under one that is like it', () => {
    const ours = 'GitLab sets this in every job, over what a runner says; choose another name';
    expect(faultsOfVariables({ CI: 'x', CI_PROJECT_DIR: '/x', GITLAB_USER_NAME: 'me' })).toEqual([
      `environment.CI: ${ours}`,
      `environment.CI_PROJECT_DIR: ${ours}`,
      `environment.GITLAB_USER_NAME: ${ours}`,
    ]);
    expect(faultsOfVariables({ CI_MINE: 'x', GITLAB_TOKEN: 'x', CI_DEBUG_TRACE: 'true', GIT_DEPTH: '1' })).toEqual([]);
  });

  it('are refused with a zero byte, which no shell can have', () => {
    expect(faultsOfVariables({ A: 'x\0' })).toEqual([
      'environment.A: has a zero byte, which no variable can have; remove it',
    ]);
  });
});
