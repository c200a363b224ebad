import { spawnSync } from 'node:child_process';
import { describe, expect, it } from 'vitest';
import type { ImageRule } from '../../infrastructure/kit/runner-ticket.ts';
import { withImageRefusal } from '../../lambda-shell-runner/image-refusal.ts';
import { jobPayload } from './executions.ts';

const rules: ImageRule[] = [
  { name: 'lint', refusal: null },
  { name: 'deploy-*', refusal: 'its mapping "job#deploy-*" sends it to EC2 default' },
  { name: "it's $(hard)?", refusal: `its mapping "it's $(hard)" sends it to EC2 large` },
  { name: 'build', refusal: 'its mapping "job#build" leaves it to other runners' },
];

/** What the shell of a job of this name does, with the profile's own script and the job's after the check. */
function run(jobName: string, environment: Readonly<Record<string, string>> = {}) {
  const { pre_build_script: script } = withImageRefusal(
    { pre_build_script: 'echo hook' },
    jobPayload({ images: { rules } }),
  );
  const env = { CI_JOB_ID: '11', CI_JOB_NAME: jobName, CI_JOB_IMAGE: 'docker:27', ...environment };
  const wrapped = `set -eo pipefail\n${script}\necho "script \${name-unset} \${why-unset}"\n`;
  const { status, stdout, stderr } = spawnSync('bash', { input: wrapped, env, encoding: 'utf8' });
  expect(stderr).toBe('');
  return { status, stdout };
}
const goesOn = { status: 0, stdout: 'hook\nscript unset unset\n' };

describe('a function with a job of another mapping that says image:', () => {
  it.each([
    ['deploy-web', 'its mapping "job#deploy-*" sends it to EC2 default'],
    ['deploy-web 2/3', 'its mapping "job#deploy-*" sends it to EC2 default'],
    ['build', 'its mapping "job#build" leaves it to other runners'],
    ['build: [a, : [b]]', 'its mapping "job#build" leaves it to other runners'],
    ["it's $(hard)!", `its mapping "it's $(hard)" sends it to EC2 large`],
  ])('refuses it before its script and the profile’s own, and names mapping and remedy: %s', (name, why) => {
    const { status, stdout } = run(name);
    expect(status).toBe(1);
    expect(stdout).toContain(`This job says image: docker:27, which a Lambda function cannot give it: ${why}.`);
    expect(stdout).toMatch(/tags of their own; then retry it\.$/m);
    expect(stdout).not.toMatch(/hook|script /);
  });

  it.each([
    ['one that is mapped to a function, whatever image it inherits', 'lint 1/2', {}],
    ['one of which no rule says anything', 'other', {}],
    ['its own one', 'build', { CI_JOB_ID: '10' }],
    ['one without an image', 'build', { CI_JOB_IMAGE: '' }],
  ])('lets %s go on', (_, name, environment) => {
    expect(run(name, environment)).toEqual(goesOn);
  });

  it('changes no settings where there is nothing to refuse', () => {
    const settings = { pre_build_script: 'echo hook' };
    expect(withImageRefusal(settings, jobPayload())).toBe(settings);
    expect(withImageRefusal({}, jobPayload({ images: {} }))).toEqual({});
    expect(withImageRefusal({}, jobPayload({ images: { rules } }))).toHaveProperty('pre_build_script');
  });
});
