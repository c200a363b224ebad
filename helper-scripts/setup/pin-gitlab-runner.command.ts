import { resolve } from 'node:path';
import { gitlabRunnerRelease } from '../../infrastructure/gitlab-runner/gitlab-runner-pins.ts';
import { gitlabRunnerSource } from '../../infrastructure/gitlab-runner/gitlab-runner-release.ts';
import { PinGitLabRunnerError, pinGitLabRunner } from './gitlab-runner-pins.process.ts';

/**
 * Pins a release of gitlab-runner for the machine images and the Lambda image; the present one when none is named.
 * Needs bash, curl and gpg.
 */
const file = resolve(import.meta.dirname, '../../infrastructure/gitlab-runner/gitlab-runner-pins.ts');
const [version = gitlabRunnerRelease.version] = process.argv.slice(2);
try {
  const { sha256 } = await pinGitLabRunner(version, gitlabRunnerSource, file);
  console.log(`gitlab-runner ${version} is pinned in ${file}:\n  x86_64 ${sha256.x86_64}\n  arm64  ${sha256.arm64}`);
} catch (error) {
  if (!(error instanceof PinGitLabRunnerError)) throw error;
  console.error(error.message);
  process.exitCode = 1;
}
