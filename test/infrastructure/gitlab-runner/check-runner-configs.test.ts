import { spawnSync } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { parse } from 'smol-toml';
import { describe, expect, it, onTestFinished } from 'vitest';
import { sampleConfigs } from '../../../ec2-runner-ami/sample-configs.ts';
import { runnerKeys } from '../../../infrastructure/gitlab-runner/gitlab-runner-keys.ts';
import { sampleConfig } from '../../../lambda-shell-runner/sample-config.ts';

const script = resolve(import.meta.dirname, '../../../infrastructure/gitlab-runner/check-runner-configs.sh');
const samples = { ...sampleConfigs(), 'function.toml': sampleConfig() };

/** Its `--help` is as 19.3.0 prints it; `lint` refuses a file that has the word `wrong`. */
const runner = (commands: string) => `#!/bin/bash
echo "$*" >>"$CALLS"
case $1 in
  --help) printf 'COMMANDS:\\n${commands}   run-single            start single runner\\n' ;;
  lint) ! grep --quiet wrong "$3" ;;
  *) exit 3 ;;
esac
`;
const lint = '   lint                  validate syntax and keys of a config.toml file\\n';

function check(configs: Readonly<Record<string, string>>, commands = lint) {
  const folder = mkdtempSync(join(tmpdir(), 'check-runner-configs-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  writeFileSync(join(folder, 'gitlab-runner'), runner(commands));
  chmodSync(join(folder, 'gitlab-runner'), 0o755);
  const files = join(folder, 'files');
  mkdirSync(files);
  for (const [name, text] of Object.entries(configs)) writeFileSync(join(files, name), text);
  const calls = join(folder, 'calls');
  const env = { PATH: `${folder}:${process.env.PATH}`, files, CALLS: calls };
  const { status, stdout } = spawnSync('bash', [script], { env, encoding: 'utf8' });
  const said = readFileSync(calls, 'utf8').replaceAll(`${files}/`, '').trim().split('\n');
  return { status, stdout, calls: said, left: existsSync(files) };
}

describe('the check of an image’s gitlab-runner', () => {
  it('shows it every configuration, and leaves none', () => {
    expect(check(samples)).toMatchObject({
      status: 0,
      calls: [
        '--help',
        ...Object.keys(samples)
          .sort()
          .map((name) => `lint --config ${name}`),
      ],
      left: false,
    });
  });

  it('fails with the first that it refuses', () => {
    expect(check({ ...samples, 'docker.toml': 'wrong' })).toMatchObject({ status: 1, left: false });
  });

  it('says so when the release is older than the check', () => {
    const { status, stdout, calls } = check(samples, '');
    expect([status, calls]).toEqual([0, ['--help']]);
    expect(stdout).toContain('cannot check a configuration');
  });
});

it('the samples have no key that the release lacks', () => {
  for (const [name, text] of Object.entries(samples)) {
    const { runners } = parse(text) as unknown as { runners: readonly [Record<string, object>] };
    const [{ docker = {}, cache = {}, ...keys }] = runners;
    expect(Object.keys(runnerKeys), name).toEqual(expect.arrayContaining(Object.keys(keys)));
    expect([...Object.keys(runnerKeys.docker ?? {}), 'services'], name).toEqual(
      expect.arrayContaining(Object.keys(docker)),
    );
    expect(Object.keys(runnerKeys.cache ?? {}), name).toEqual(expect.arrayContaining(Object.keys(cache)));
  }
});
