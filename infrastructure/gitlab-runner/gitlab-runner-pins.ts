import type { GitLabRunnerRelease } from './gitlab-runner-release.ts';

/**
 * The release that is installed, everywhere. `npx node helper-scripts/setup/pin-gitlab-runner.command.ts VERSION` writes this file, with the
 * checksums of a list that GitLab has signed; `null` leaves that check to every build.
 */
export const gitlabRunnerRelease: GitLabRunnerRelease = {
  version: '19.3.0',
  sha256: {
    x86_64: null,
    arm64: null,
  },
};
