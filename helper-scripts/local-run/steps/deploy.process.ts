import { PutParameterCommand, SSMClient } from '@aws-sdk/client-ssm';
import { autoscalerParameters } from '../../../autoscaler/exports.ts';
import { amiParameters } from '../../../ec2-runner-ami/exports.ts';
import { infrastructureParameters } from '../../../infrastructure/exports.ts';
import { architectures } from '../../../infrastructure/kit/architecture.ts';
import { appNames } from '../../../infrastructure/kit/cdk/parameter-names.ts';
import { readParameter } from '../../cli/deployment-names.client.ts';
import { bootstrap, deployApp } from '../deploy-apps.process.ts';
import { deployment } from '../local-deployment.ts';
import type { LocalRunParts } from '../local-run-parts.process.ts';
import type { LocalRunStep } from './step.ts';

export const packageLambdaRunner: LocalRunStep = {
  title: 'Package of the Lambda shell runner',
  run: (parts, tell) => parts.lambdaRunner.settle(parts.deployOptions(), tell),
};

export const bootstrapAccount: LocalRunStep = {
  title: 'cdk bootstrap',
  async run(parts) {
    await bootstrap(parts.deployOptions());
    return undefined;
  },
};

/** `cdk deploy` in the folder of each app, in the order in which a user does it. */
export const deployApps: readonly LocalRunStep[] = appNames.map((app) => ({
  title: `cdk deploy in ${app}/`,
  async run(parts, tell) {
    await deployApp(app, parts.deployOptions(), tell);
    if (app === 'lambda-shell-runner') return `as ${parts.lambdaRunner.packaging}`;
    if (app === 'ec2-runner-ami') return publishImage(parts);
    if (app === 'autoscaler') await readNames(parts);
    return undefined;
  },
}));

/** Image Builder does not build here: the parameter that its pipeline would publish is written by hand. */
async function publishImage(parts: LocalRunParts): Promise<string> {
  const ssm = new SSMClient(parts.clientOptions());
  for (const architecture of architectures) {
    const Name = amiParameters(deployment, architecture).imageId;
    await ssm.send(new PutParameterCommand({ Name, Value: 'ami-0123456789abcdef0', Type: 'String', Overwrite: true }));
  }
  return 'no image is built here: its id is made up';
}

async function readNames(parts: LocalRunParts): Promise<void> {
  const ssm = new SSMClient(parts.clientOptions());
  const { runnersTable, ticketsTable, waitingTicketsTable } = autoscalerParameters(deployment);
  parts.tableNames = {
    runners: await readParameter(runnersTable, ssm),
    tickets: await readParameter(ticketsTable, ssm),
    waitingTickets: await readParameter(waitingTicketsTable, ssm),
  };
  const published = new URL(await readParameter(infrastructureParameters(deployment).webhookUrl, ssm));
  // AWS serves an API under a host name of its own; here the path says which one it is.
  const apiId = published.hostname.split('.')[0];
  parts.webhookUrl = `${parts.aws.endpoint}/_aws/execute-api/${apiId}/$default${published.pathname}`;
}
