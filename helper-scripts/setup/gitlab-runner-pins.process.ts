import { execFile } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { promisify } from 'node:util';
import {
  type GitLabRunnerRelease,
  type GitLabRunnerSource,
  installVariables,
} from '../../infrastructure/gitlab-runner/gitlab-runner-release.ts';
import { type Architecture, architectures } from '../../infrastructure/kit/architecture.ts';

const installScript = resolve(import.meta.dirname, '../../infrastructure/gitlab-runner/install-gitlab-runner.sh');

/** A release's checksums could not be had, or are not GitLab's. */
export class PinGitLabRunnerError extends Error {
  override readonly name = 'PinGitLabRunnerError';
}

/**
 * Writes the file of pins anew for a release, with what its list of checksums says, once GitLab's signature over that list is verified.
 *
 * @returns what was written.
 * @throws {PinGitLabRunnerError} when the version is none, or its list is missing or not signed by GitLab; the file is then as it was.
 */
export async function pinGitLabRunner(version: string, source: GitLabRunnerSource, file: string) {
  if (!/^\d+\.\d+\.\d+$/.test(version)) {
    throw new PinGitLabRunnerError(`"${version}" is no version of gitlab-runner: write one such as 19.3.0`);
  }
  const [x86_64, arm64] = await Promise.all(
    architectures.map((architecture) => readSignedChecksum(version, architecture, source)),
  );
  const release = { version, sha256: { x86_64: x86_64 ?? null, arm64: arm64 ?? null } };
  await writeFile(file, renderPins(release));
  return release;
}

async function readSignedChecksum(version: string, architecture: Architecture, source: GitLabRunnerSource) {
  const unpinned = { version, sha256: { x86_64: null, arm64: null } };
  const variables = { ...installVariables(unpinned, architecture, source), destination: '', mode: '' };
  try {
    const { stdout } = await promisify(execFile)('bash', [installScript], { env: { ...process.env, ...variables } });
    return stdout.trim();
  } catch (cause) {
    const reason = cause instanceof Error && 'stderr' in cause ? String(cause.stderr).trim() : String(cause);
    throw new PinGitLabRunnerError(`gitlab-runner ${version} cannot be pinned: ${reason}`, { cause });
  }
}

/** The source text of `gitlab-runner-pins.ts`. */
export function renderPins({ version, sha256 }: GitLabRunnerRelease): string {
  const literal = (value: string | null) => (value === null ? 'null' : `'${value}'`);
  return `import type { GitLabRunnerRelease } from './gitlab-runner-release.ts';

/**
 * The release that is installed, everywhere. \`npx node helper-scripts/setup/pin-gitlab-runner.command.ts VERSION\` writes this file, with the
 * checksums of a list that GitLab has signed; \`null\` leaves that check to every build.
 */
export const gitlabRunnerRelease: GitLabRunnerRelease = {
  version: '${version}',
  sha256: {
    x86_64: ${literal(sha256.x86_64)},
    arm64: ${literal(sha256.arm64)},
  },
};
`;
}
