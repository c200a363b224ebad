import { type FoundRunner, findGitLabRunner } from '../../helper-scripts/local-runner/find-gitlab-runner.process.ts';

/**
 * What a test needs to find the program with which its jobs run: always the stand-in, but where vitest.config.ts names
 * the real one.
 */
export const runnerEnvironment: Readonly<Record<string, string | undefined>> = {
  GITLAB_RUNNER: process.env.REAL_RUNNER_UNDER_TEST,
};

/** The program with which the jobs of a test run. */
export function runnerUnderTest(): Promise<FoundRunner> {
  return findGitLabRunner(runnerEnvironment);
}
