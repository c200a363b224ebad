import { defineConfig, type TestProjectInlineConfiguration } from 'vitest/config';
import { findGitLabRunner } from './helper-scripts/local-runner/find-gitlab-runner.process.ts';

/**
 * Tests whose jobs run with gitlab-runner itself: with the stand-in always, and once more with a real one where there
 * is one.
 */
const jobsOfBothTypes = [
  'test/end-to-end/whole-path.test.ts',
  'test/end-to-end/in-trouble.test.ts',
  'test/autoscaler/runner-types/ec2/boot.gitlab.test.ts',
  'test/lambda-shell-runner/lambda-environment.test.ts',
];

const upgradeTest = 'test/end-to-end/upgrade.test.ts';

/** Above the patience of each look in them, so that the one that fails says what it waited for. */
const endToEndMilliseconds = 900_000;

export default defineConfig(async () => {
  const runner = await findGitLabRunner(process.env);
  const withRealRunner: TestProjectInlineConfiguration = {
    extends: true,
    test: {
      name: 'real gitlab-runner',
      include: jobsOfBothTypes,
      env: { REAL_RUNNER_UNDER_TEST: runner.path },
      sequence: { groupOrder: 3 },
      testTimeout: endToEndMilliseconds,
    },
  };
  return {
    test: {
      globalSetup: ['test/global-setup.ts'],
      testTimeout: 240_000,
      hookTimeout: 300_000,
      // Many tests wait for processes and servers of their own, so that a second worker pays even on two processors.
      maxWorkers: 2,
      // Patience for what happens in another process, on a machine that may be busy.
      expect: { poll: { timeout: 30_000, interval: 50 } },
      // What needs a local AWS waits more than it works: after the rest, each file beside another, with an AWS of its
      // own.
      projects: [
        {
          extends: true,
          test: {
            name: 'fast',
            include: ['test/**/*.test.ts'],
            exclude: ['test/end-to-end/**'],
            // A worker loads our modules and the CDK once, and not for each file: two fifths of the time. A test leaves
            // no stub, spy or variable behind.
            isolate: false,
          },
        },
        {
          extends: true,
          test: {
            name: 'end-to-end',
            include: ['test/end-to-end/*.test.ts'],
            exclude: [upgradeTest],
            sequence: { groupOrder: 1 },
            testTimeout: endToEndMilliseconds,
          },
        },
        // It deploys, launches and runs jobs all at once, which is enough for one machine.
        {
          extends: true,
          test: {
            name: 'upgrade',
            include: [upgradeTest],
            sequence: { groupOrder: 2 },
            testTimeout: endToEndMilliseconds,
          },
        },
        ...(runner.kind === 'real' ? [withRealRunner] : []),
      ],
    },
  };
});
