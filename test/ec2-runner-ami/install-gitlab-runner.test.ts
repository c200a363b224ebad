import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { chmodSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';

const script = join(import.meta.dirname, '../../ec2-runner-ami/components/install-gitlab-runner.sh');
const binary = 'the bytes of gitlab-runner';
const sha256 = createHash('sha256').update(binary).digest('hex');
const otherSha256 = 'f'.repeat(64);
const list = (checksum: string) =>
  `${otherSha256} *binaries/gitlab-runner-linux-arm64\n${checksum} *binaries/gitlab-runner-linux-amd64\n${otherSha256} *rpm/gitlab-runner_amd64.rpm\n`;

/** Runs the script with stand-ins for what it downloads with and what it changes. */
function install(pinned: string, releaseList: string) {
  const folder = mkdtempSync(join(tmpdir(), 'install-runner-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  const write = (name: string, lines: string) => {
    writeFileSync(join(folder, name), lines);
    chmodSync(join(folder, name), 0o755);
  };
  write('binary', binary);
  write('list', releaseList);
  write(
    'curl',
    `#!/bin/bash
echo "\${*: -1}" >>${folder}/urls
source=${folder}/binary; [[ "\${*: -1}" == */release.sha256 ]] && source=${folder}/list
while (($#)); do [[ $1 == --output ]] && cp "$source" "$2"; shift; done`,
  );
  write('install', `#!/bin/bash\ncp "\${@: -2:1}" ${folder}/installed`);
  write('systemctl', `#!/bin/bash\necho "$@" >>${folder}/systemctl-calls`);
  const { status, stderr } = spawnSync('bash', [script], {
    encoding: 'utf8',
    env: { PATH: `${folder}:/usr/bin:/bin`, version: '19.3.0', binary_architecture: 'amd64', sha256: pinned },
  });
  const read = (name: string) => (existsSync(join(folder, name)) ? readFileSync(join(folder, name), 'utf8') : '');
  return { status, stderr, installed: read('installed'), masked: read('systemctl-calls').trim(), urls: read('urls') };
}

describe('the installation of gitlab-runner', () => {
  it('takes a binary that is in the list of its release, and masks its service', () => {
    const { status, installed, masked, urls } = install('', list(sha256));
    expect(status).toBe(0);
    expect(installed).toBe(binary);
    expect(masked).toBe('mask gitlab-runner.service');
    expect(urls).toContain('/v19.3.0/binaries/gitlab-runner-linux-amd64\n');
  });

  it('refuses a binary that is not the listed one', () => {
    const { status, installed } = install('', list(otherSha256));
    expect(status).not.toBe(0);
    expect(installed).toBe('');
  });

  it('refuses a release whose list does not name the binary', () => {
    const { status, installed, stderr } = install('', 'nothing here\n');
    expect(status).not.toBe(0);
    expect(stderr).toContain('has no checksum for gitlab-runner-linux-amd64');
    expect(installed).toBe('');
  });

  it('believes a pinned checksum and no list', () => {
    expect(install(sha256, list(otherSha256))).toMatchObject({ status: 0, installed: binary });
    expect(install(sha256, '').urls).not.toContain('release.sha256');
    expect(install(otherSha256, list(sha256))).toMatchObject({ installed: '' });
  });
});
