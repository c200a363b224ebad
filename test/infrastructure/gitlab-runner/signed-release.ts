import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { GitLabRunnerSource } from '../../../infrastructure/gitlab-runner/gitlab-runner-release.ts';

export const releasedVersion = '19.9.9';
export const binaries = {
  amd64: 'the bytes of gitlab-runner for amd64',
  arm64: 'the bytes of gitlab-runner for arm64',
};
export const sha256Of = (text: string) => createHash('sha256').update(text).digest('hex');

/** A key of its own, and what it signs. One that lived from 2020 to 2021 signs in its time. */
export function createSigner({ isExpired = false } = {}) {
  const home = mkdtempSync(join(tmpdir(), 'gpg-'));
  // The clock stands still: else a signature that is made in the second in which the clock starts could be older than
  // its key.
  const time = isExpired ? ['--faked-system-time', '20200601T000000!'] : [];
  const gpg = (args: readonly string[], input?: string) =>
    execFileSync(
      'gpg',
      ['--homedir', home, '--batch', '--pinentry-mode', 'loopback', '--passphrase', '', ...time, ...args],
      {
        ...(input === undefined ? {} : { input }),
        stdio: ['pipe', 'pipe', 'ignore'],
      },
    );
  gpg(['--quick-generate-key', 'Somebody <somebody@example.com>', 'ed25519', 'sign', isExpired ? '1y' : 'never']);
  const listed = gpg(['--list-keys', '--with-colons']).toString();
  return {
    fingerprint: /^fpr:+([0-9A-F]{40}):/m.exec(listed)?.[1] ?? '',
    publicKey: () => gpg(['--armor', '--export']),
    sign: (text: string) => gpg(['--armor', '--detach-sign'], text),
    /** With the certificate that gpg itself makes for every new key. */
    revoke: () => {
      const listing = readFileSync(join(home, 'openpgp-revocs.d', `${/^fpr:+([0-9A-F]{40}):/m.exec(listed)?.[1]}.rev`));
      gpg(['--import'], listing.toString().replace(':-----BEGIN', '-----BEGIN'));
    },
    end: () => {
      execFileSync('gpgconf', ['--homedir', home, '--kill', 'gpg-agent']);
      rmSync(home, { recursive: true, force: true });
    },
  };
}

export type Signer = ReturnType<typeof createSigner>;

/** A server with one release as GitLab's has it; `files` are put over what it serves. */
export async function serveRelease(signer: Signer, files: Readonly<Record<string, string | Buffer>> = {}) {
  const list = [
    `${'f'.repeat(64)} *rpm/gitlab-runner_amd64.rpm`,
    ...Object.entries(binaries).map(([name, bytes]) => `${sha256Of(bytes)} *binaries/gitlab-runner-linux-${name}`),
    '',
  ].join('\n');
  const served: Record<string, string | Buffer> = {
    [`/v${releasedVersion}/release.sha256`]: list,
    [`/v${releasedVersion}/release.sha256.asc`]: signer.sign(list),
    [`/v${releasedVersion}/binaries/gitlab-runner-linux-amd64`]: binaries.amd64,
    [`/v${releasedVersion}/binaries/gitlab-runner-linux-arm64`]: binaries.arm64,
    ...files,
  };
  const asked: string[] = [];
  const server = createServer((request, response) => {
    asked.push(request.url ?? '');
    // The key as it is by now: it may have been revoked after the release.
    const body = served[request.url ?? ''] ?? (request.url === '/key.gpg' ? signer.publicKey() : undefined);
    response.writeHead(body === undefined ? 404 : 200).end(body ?? 'no such file');
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const source: GitLabRunnerSource = {
    downloads: origin,
    keyUrls: [`${origin}/moved.gpg`, `${origin}/key.gpg`],
    keyFingerprint: signer.fingerprint,
  };
  return { source, list, asked, close: () => new Promise((resolve) => server.close(resolve)) };
}
