import { dirname, join } from 'node:path';
import { startLocalAws } from '../../local-aws/local-aws.process.ts';
import { writeRunnerFolder } from '../../local-runner/find-gitlab-runner.process.ts';
import { account, region, repository } from '../local-deployment.ts';
import type { LocalRunStep } from './step.ts';

export const startAws: LocalRunStep = {
  title: 'Local AWS (MiniStack with our corrections)',
  async run(parts) {
    const { options, lambdaRunner } = parts;
    const runnerFolder = join(options.folder, 'bin');
    parts.stops.push(() => lambdaRunner.removeContainers());
    await writeRunnerFolder(runnerFolder, parts.runner);
    const aws = await startLocalAws({
      port: options.awsPort,
      python: parts.python,
      nodeModules: join(repository, 'node_modules'),
      node: dirname(process.execPath),
      extraPath: [runnerFolder],
      logFile: join(options.folder, 'ministack.log'),
      environment: lambdaRunner.serverVariables,
      region,
      account,
    });
    parts.aws = aws;
    parts.stops.push(() => aws.stop());
    return aws.endpoint;
  },
};
