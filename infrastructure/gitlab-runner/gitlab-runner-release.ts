import type { Architecture } from '../kit/architecture.ts';

/** A release of gitlab-runner that the machine images and the Lambda image bring. */
export type GitLabRunnerRelease = {
  readonly version: string;
  /**
   * SHA-256 of `binaries/gitlab-runner-linux-<amd64|arm64>` of that release. With `null` a build takes the one from the release's list of
   * checksums, once GitLab's signature over that list is verified.
   */
  readonly sha256: Readonly<Record<Architecture, string | null>>;
};

/** Where releases come from, and who signs them. */
export type GitLabRunnerSource = {
  readonly downloads: string;
  /** Addresses of the public key, tried in this order. */
  readonly keyUrls: readonly string[];
  readonly keyFingerprint: string;
};

/**
 * GitLab extends the life of this key every year instead of replacing it, so the key is downloaded and the fingerprint is what is known.
 * Source: https://docs.gitlab.com/runner/install/linux-repository/#current-gpg-public-key
 */
export const gitlabRunnerSource: GitLabRunnerSource = {
  downloads: 'https://gitlab-runner-downloads.s3.dualstack.us-east-1.amazonaws.com',
  keyUrls: [
    'https://packages.gitlab.com/gpgkey/runner/49F16C5CC3A0F81F.pub.gpg',
    'https://packages.gitlab.com/runner/gitlab-runner/gpgkey/runner-gitlab-runner-49F16C5CC3A0F81F.pub.gpg',
  ],
  keyFingerprint: '931DA69CFA3AFEBBC97DAA8C6C57C29C6BA75A4E',
};

/** GitLab's name of an architecture in the names of its binaries. */
const binaryArchitectures: Readonly<Record<Architecture, string>> = { x86_64: 'amd64', arm64: 'arm64' };

/** What `install-gitlab-runner.sh` asks for, but for `destination` and `mode`. */
export function installVariables(
  release: GitLabRunnerRelease,
  architecture: Architecture,
  source: GitLabRunnerSource = gitlabRunnerSource,
) {
  return {
    version: release.version,
    binary_architecture: binaryArchitectures[architecture],
    sha256: release.sha256[architecture] ?? '',
    downloads: source.downloads,
    key_urls: source.keyUrls.join(' '),
    key_fingerprint: source.keyFingerprint,
  };
}

/** The image that a docker executor of that release uses beside the job's own. */
export function helperImageOf({ version }: GitLabRunnerRelease, architecture: Architecture): string {
  return `registry.gitlab.com/gitlab-org/gitlab-runner/gitlab-runner-helper:${architecture}-v${version}`;
}
