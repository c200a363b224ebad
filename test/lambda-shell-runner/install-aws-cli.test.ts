import { execFileSync, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  chmodSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';

const script = join(import.meta.dirname, '../../lambda-shell-runner/image/install-aws-cli.sh');
const folder = mkdtempSync(join(tmpdir(), 'install-aws-cli-'));
const archive = 'awscli-exe-linux-x86_64-2.0.0.zip';
const armArchive = 'awscli-exe-linux-aarch64-2.0.0.zip';

afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** A key, by whose fingerprint the script is made to know it in place of AWS's. */
function createKey(name: string) {
  const home = join(folder, name);
  mkdirSync(home, { mode: 0o700 });
  const gpg = (...args: string[]) =>
    execFileSync('gpg', ['--homedir', home, '--batch', '--quiet', ...args], { stdio: ['ignore', 'pipe', 'ignore'] });
  gpg('--passphrase', '', '--quick-generate-key', `${name} <${name}@example.com>`, 'rsa2048', 'sign', 'never');
  const fingerprint = /^fpr:+([0-9A-F]{40}):/m.exec(gpg('--with-colons', '--fingerprint').toString())?.[1] ?? '';
  const file = join(folder, `${name}.asc`);
  writeFileSync(file, gpg('--armor', '--export'));
  return {
    fingerprint,
    url: `file://${file}`,
    sign: (path: string) => gpg('--yes', '--detach-sign', '--output', `${path}.sig`, path),
  };
}

const ours = createKey('aws');
const others = createKey('others');

/** The folder from which the script downloads: an archive with an installer, and its signature. */
const downloads = (() => {
  const made = join(folder, 'made');
  mkdirSync(join(made, 'aws'), { recursive: true });
  writeFileSync(
    join(made, 'aws', 'install'),
    '#!/bin/bash\nmkdir -p "$2/v2/2.0.0/dist/awscli/examples"; echo "$@" > "$2/installed"\n',
  );
  chmodSync(join(made, 'aws', 'install'), 0o755);
  execFileSync('zip', ['-q', '-r', archive, 'aws'], { cwd: made });
  copyFileSync(join(made, archive), join(made, armArchive));
  return made;
})();

let runs = 0;

function install({
  keys = [ours.url],
  signedBy = ours,
  sha256s = [] as readonly string[],
  architecture = 'amd64',
} = {}) {
  for (const name of [archive, armArchive]) signedBy.sign(join(downloads, name));
  const prefix = join(folder, `prefix-${runs++}`);
  const known = join(folder, 'install-aws-cli.sh');
  writeFileSync(
    known,
    readFileSync(script, 'utf8').replace(/^key_fingerprint=.*$/m, `key_fingerprint=${ours.fingerprint}`),
  );
  const { status, stderr } = spawnSync('bash', [known, '2.0.0', architecture, ...sha256s], {
    encoding: 'utf8',
    env: {
      PATH: process.env.PATH,
      AWS_CLI_DOWNLOADS: `file://${downloads}`,
      AWS_CLI_KEY_URLS: keys.join(' '),
      AWS_CLI_PREFIX: prefix,
    },
  });
  return { status, stderr, isInstalled: existsSync(join(prefix, 'aws-cli', 'installed')), prefix };
}

describe('the installation of the AWS CLI', () => {
  it('takes an archive that AWS has signed, without the examples of its help', () => {
    const { status, stderr, isInstalled, prefix } = install();
    expect(stderr).toBe('');
    expect(status).toBe(0);
    expect(isInstalled).toBe(true);
    expect(existsSync(join(prefix, 'aws-cli/v2/2.0.0/dist/awscli'))).toBe(true);
    expect(existsSync(join(prefix, 'aws-cli/v2/2.0.0/dist/awscli/examples'))).toBe(false);
  });

  it('asks the next key server when one is down or has another key', () => {
    expect(install({ keys: ['file:///nowhere.asc', others.url, ours.url] }).isInstalled).toBe(true);
  });

  it('takes the pinned archive, whatever is pinned for the other architecture', () => {
    const sha256 = createHash('sha256')
      .update(readFileSync(join(downloads, archive)))
      .digest('hex');
    expect(install({ sha256s: [sha256, 'f'.repeat(64)] }).isInstalled).toBe(true);
    expect(install({ sha256s: ['f'.repeat(64), sha256], architecture: 'arm64' }).isInstalled).toBe(true);
  });

  it.each([
    ['that somebody else has signed', { keys: [ours.url, others.url], signedBy: others }, /not signed by AWS's key/],
    ['whose key nobody has', { keys: [others.url] }, /no key server has the key/],
    ['that is not the pinned one', { sha256s: ['f'.repeat(64), ''] }, /not the pinned one/],
    ['for another machine', { architecture: 'riscv' }, /write amd64 or arm64/],
  ])('refuses an archive %s', (_what, options, message) => {
    const { status, stderr, isInstalled } = install(options);
    expect(status).toBe(1);
    expect(stderr).toMatch(message);
    expect(isInstalled).toBe(false);
  });
});
