import { buildLambdas } from '../../build/build.command.ts';
import { findGitLabRunner } from '../../local-runner/find-gitlab-runner.process.ts';
import { LocalLambdaRunner } from '../local-lambda-runner.process.ts';
import type { LocalRunStep } from './step.ts';

export const buildBundles: LocalRunStep = {
  title: 'Bundles of the Lambdas',
  async run(parts) {
    const { environment = process.env, awsPort } = parts.options;
    const [bundles, lambdaRunner, runner] = await Promise.all([
      buildLambdas(),
      LocalLambdaRunner.plan(environment, awsPort),
      findGitLabRunner(environment),
    ]);
    parts.lambdaRunner = lambdaRunner;
    parts.runner = runner;
    const kind = runner.kind === 'real' ? 'the real gitlab-runner' : 'our stand-in for gitlab-runner';
    return `${bundles.length} bundles; jobs run with ${kind} (${runner.version})`;
  },
};
