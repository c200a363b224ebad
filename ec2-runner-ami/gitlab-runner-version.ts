import type { Architecture } from '../infrastructure/lib/architecture.ts';

/** A release of gitlab-runner that the image brings. */
export type GitLabRunnerRelease = {
  readonly version: string;
  /**
   * SHA-256 of `binaries/gitlab-runner-linux-<amd64|arm64>` of that release. `null` means nobody has pinned it yet: the build then
   * compares with the `release.sha256` that lies beside the binary, over TLS, which finds a broken download and nothing worse.
   * To pin: take the two lines from https://gitlab-runner-downloads.s3.dualstack.us-east-1.amazonaws.com/v<version>/release.sha256
   * after checking its signature (https://docs.gitlab.com/runner/install/linux-repository/#current-gpg-public-key).
   */
  readonly sha256: Readonly<Record<Architecture, string | null>>;
};

/** Change version and checksums together. */
export const gitlabRunnerRelease: GitLabRunnerRelease = {
  version: '19.3.0',
  sha256: { x86_64: null, arm64: null },
};

/** GitLab's name of an architecture in the names of its binaries. */
export const binaryArchitectures: Readonly<Record<Architecture, string>> = { x86_64: 'amd64', arm64: 'arm64' };

/** The image that a docker executor of that release uses beside the job's own. */
export function helperImageOf({ version }: GitLabRunnerRelease, architecture: Architecture): string {
  return `registry.gitlab.com/gitlab-org/gitlab-runner/gitlab-runner-helper:${architecture}-v${version}`;
}
