import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it, onTestFinished } from 'vitest';
import { pinGitLabRunner, renderPins } from '../../../helper-scripts/setup/gitlab-runner-pins.process.ts';
import { gitlabRunnerRelease } from '../../../infrastructure/gitlab-runner/gitlab-runner-pins.ts';
import {
  binaries,
  createSigner,
  releasedVersion,
  serveRelease,
  sha256Of,
} from '../../infrastructure/gitlab-runner/signed-release.ts';

const gitlab = createSigner();
afterAll(() => gitlab.end());
const pinsFile = join(import.meta.dirname, '../../../infrastructure/gitlab-runner/gitlab-runner-pins.ts');

async function setUp(files: Readonly<Record<string, string | Buffer>> = {}) {
  const server = await serveRelease(gitlab, files);
  const folder = mkdtempSync(join(tmpdir(), 'pins-'));
  onTestFinished(async () => {
    rmSync(folder, { recursive: true, force: true });
    await server.close();
  });
  const file = join(folder, 'pins.ts');
  writeFileSync(file, 'as it was');
  return { source: server.source, file };
}

describe('pinning a release of gitlab-runner', () => {
  it('writes the version and the checksums that GitLab signed', async () => {
    const { source, file } = await setUp();
    await pinGitLabRunner(releasedVersion, source, file);
    const text = readFileSync(file, 'utf8');
    expect(text).toContain(`version: '${releasedVersion}'`);
    expect(text).toContain(`x86_64: '${sha256Of(binaries.amd64)}'`);
    expect(text).toContain(`arm64: '${sha256Of(binaries.arm64)}'`);
  });

  it('writes the file as it stands in the repository', () => {
    expect(renderPins(gitlabRunnerRelease)).toBe(readFileSync(pinsFile, 'utf8'));
  });

  it('leaves the file as it was when the list is not signed by GitLab, and says so', async () => {
    const { source, file } = await setUp({ [`/v${releasedVersion}/release.sha256`]: 'another list' });
    await expect(pinGitLabRunner(releasedVersion, source, file)).rejects.toThrow(
      /cannot be pinned: .*is not signed by/s,
    );
    expect(readFileSync(file, 'utf8')).toBe('as it was');
  });

  it('says which release there is none of, and what is no version', async () => {
    const { source, file } = await setUp();
    await expect(pinGitLabRunner('1.2.3', source, file)).rejects.toThrow(/1\.2\.3 cannot be pinned: .*404/s);
    await expect(pinGitLabRunner('v19', source, file)).rejects.toThrow(/"v19" is no version/);
  });
});
