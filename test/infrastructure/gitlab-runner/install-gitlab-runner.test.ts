import { execFile } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it, onTestFinished } from 'vitest';
import {
  type GitLabRunnerSource,
  installVariables,
} from '../../../infrastructure/gitlab-runner/gitlab-runner-release.ts';
import { binaries, createSigner, releasedVersion, serveRelease, sha256Of } from './signed-release.ts';

const script = join(import.meta.dirname, '../../../infrastructure/gitlab-runner/install-gitlab-runner.sh');
const gitlab = createSigner();
const stranger = createSigner();
afterAll(() => {
  gitlab.end();
  stranger.end();
});
const inRelease = (name: string) => `/v${releasedVersion}/${name}`;

async function serve(files: Readonly<Record<string, string | Buffer>> = {}) {
  const server = await serveRelease(gitlab, files);
  onTestFinished(async () => void (await server.close()));
  return server;
}

/** Runs the script as a build would, into a folder of its own. */
async function install(source: GitLabRunnerSource, pinned: string | null = null, into = 'gitlab-runner') {
  const folder = mkdtempSync(join(tmpdir(), 'install-runner-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  const release = { version: releasedVersion, sha256: { x86_64: pinned, arm64: pinned } };
  const destination = into && join(folder, into);
  const env = { PATH: '/usr/bin:/bin', ...installVariables(release, 'x86_64', source), destination, mode: '711' };
  const { status, stdout, stderr } = await new Promise<{ status: number; stdout: string; stderr: string }>(
    (resolve) => {
      execFile('bash', [script], { env }, (error, stdout, stderr) =>
        resolve({ status: error ? Number(error.code) : 0, stdout, stderr }),
      );
    },
  );
  const isThere = destination !== '' && existsSync(destination);
  return {
    status,
    stdout,
    stderr,
    installed: isThere ? readFileSync(destination, 'utf8') : undefined,
    mode: isThere ? (statSync(destination).mode & 0o777).toString(8) : undefined,
  };
}

describe('the installation of gitlab-runner', () => {
  it('takes the binary of a list that GitLab signed, wherever the key is found', async () => {
    const { source } = await serve();
    expect(await install(source)).toMatchObject({ status: 0, installed: binaries.amd64, mode: '711' });
  });

  it('refuses a list that somebody else signed, with a key of the address and with a key of their own', async () => {
    const { list, source } = await serve();
    const forged = { [inRelease('release.sha256.asc')]: stranger.sign(list) };
    for (const files of [forged, { ...forged, '/key.gpg': stranger.publicKey() }]) {
      const { source: theirs } = await serve(files);
      const { status, stderr, installed } = await install({ ...theirs, keyFingerprint: source.keyFingerprint });
      expect(status).toBe(1);
      expect(stderr).toContain(`is not signed by GitLab's key ${gitlab.fingerprint}`);
      expect(installed).toBeUndefined();
    }
  });

  it('refuses a list that was changed after it was signed', async () => {
    const { list } = await serve();
    const { source } = await serve({
      [inRelease('release.sha256')]: list.replaceAll(sha256Of(binaries.amd64), sha256Of('evil')),
      [inRelease('binaries/gitlab-runner-linux-amd64')]: 'evil',
    });
    expect(await install(source)).toMatchObject({ status: 1, installed: undefined });
  });

  it('refuses a list without a signature, and a release without a key', async () => {
    const unsigned = await serve({ [inRelease('release.sha256.asc')]: '' });
    expect(await install(unsigned.source)).toMatchObject({ status: 1, installed: undefined });
    const { source } = await serve();
    const keyless = await install({ ...source, keyUrls: [`${source.downloads}/gone.gpg`] });
    expect(keyless).toMatchObject({ status: 1, installed: undefined });
    expect(keyless.stderr).toContain("GitLab's key is at none of");
  });

  it('refuses a binary that is not the listed one', async () => {
    const { source } = await serve({ [inRelease('binaries/gitlab-runner-linux-amd64')]: 'half of the by' });
    const { status, stderr, installed } = await install(source);
    expect(status).toBe(1);
    expect(stderr).toContain(`not the one with the SHA-256 ${sha256Of(binaries.amd64)}`);
    expect(installed).toBeUndefined();
  });

  it('refuses a release whose list does not name the binary', async () => {
    const list = `${'f'.repeat(64)} *binaries/gitlab-runner-linux-amd64-fips\n`;
    const { source } = await serve({
      [inRelease('release.sha256')]: list,
      [inRelease('release.sha256.asc')]: gitlab.sign(list),
    });
    const { status, stderr } = await install(source);
    expect(status).toBe(1);
    expect(stderr).toContain('does not list binaries/gitlab-runner-linux-amd64');
  });

  it('takes what was signed in the lifetime of a key that has expired since', async () => {
    const signer = createSigner({ isExpired: true });
    const server = await serveRelease(signer);
    onTestFinished(async () => {
      await server.close();
      signer.end();
    });
    expect(await install(server.source)).toMatchObject({ status: 0, installed: binaries.amd64 });
  });

  it('refuses what a revoked key has signed', async () => {
    const signer = createSigner();
    const server = await serveRelease(signer);
    onTestFinished(async () => {
      await server.close();
      signer.end();
    });
    expect(await install(server.source)).toMatchObject({ status: 0 });
    signer.revoke();
    const { status, stderr, installed } = await install(server.source);
    expect(status).toBe(1);
    expect(stderr).toContain('GitLab has revoked its key');
    expect(installed).toBeUndefined();
  });

  it('believes a pinned checksum, and asks neither for a list nor for a key', async () => {
    const { source, asked } = await serve({ '/key.gpg': 'gone' });
    expect(await install(source, sha256Of(binaries.amd64))).toMatchObject({ status: 0, installed: binaries.amd64 });
    expect(asked).toEqual([inRelease('binaries/gitlab-runner-linux-amd64')]);
    expect(await install(source, sha256Of('another'))).toMatchObject({ status: 1, installed: undefined });
  });

  it('only tells the signed checksum when it has no destination', async () => {
    const { source, asked } = await serve();
    expect(await install(source, null, '')).toMatchObject({ status: 0, stdout: `${sha256Of(binaries.amd64)}\n` });
    expect(asked.filter((path) => path.includes('/binaries/'))).toEqual([]);
  });
});
