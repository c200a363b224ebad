import { setTimeout as sleep } from 'node:timers/promises';
import { type LambdaContext, lambdaHandler } from '../../infrastructure/kit/lambda/lambda-handler.client.ts';
import { createGitLabFromEnvironment } from '../gitlab/live-gitlab.client.ts';
import { createTables } from '../runner-store/live-tables.client.ts';
import { answerCloudFormation } from './cloudformation.client.ts';
import {
  type CloudFormationRequest,
  cloudFormationAnswerOf,
  cloudFormationRequestSchema,
  type Outcome,
} from './cloudformation-request.ts';
import { createDeploymentInstances } from './deployment-instances.client.ts';
import { type EndInstancesPorts, endInstances } from './end-instances.ts';
import { type RemoveGitLabRunnersPorts, removeGitLabRunners } from './remove-gitlab-runners.ts';

/** GitLab gets this long, whatever happened before; then the destruction goes on without it. */
export const gitlabPatienceSeconds = 90;
/** For the answer to CloudFormation. */
const answerSeconds = 30;

export type RemoveRunnersPorts = EndInstancesPorts &
  RemoveGitLabRunnersPorts & { readonly answer: (url: string, answer: object) => Promise<void> };

/**
 * What `cdk destroy` of the autoscaler waits for, as a custom resource. When the stack is deleted (or its first
 * creation rolled back), its triggers are gone already; this ends every instance of the deployment, waits until they
 * are gone, and removes the GitLab runners; only then CloudFormation goes on with tables, launch templates and roles.
 * Creating and updating it does nothing. It may be asked again at any point.
 */
export async function removeRunners(
  request: CloudFormationRequest,
  ports: RemoveRunnersPorts,
  context: LambdaContext,
): Promise<void> {
  const outcome = request.RequestType === 'Delete' ? await removeAll(ports, context) : ({ status: 'SUCCESS' } as const);
  context.log.info('answering CloudFormation', { request: request.RequestType, outcome });
  const physicalId = `runners-of-${ports.deployment}`;
  await ports.answer(request.ResponseURL, cloudFormationAnswerOf(request, physicalId, outcome));
}

async function removeAll(ports: RemoveRunnersPorts, { log, remainingMilliseconds }: LambdaContext): Promise<Outcome> {
  const endsAt = ports.now() + remainingMilliseconds() - answerSeconds * 1_000;
  let outcome: Outcome = { status: 'SUCCESS' };
  try {
    await endInstances(ports, endsAt - gitlabPatienceSeconds * 1_000, log);
  } catch (error) {
    log.error('instances are left', { error });
    outcome = { status: 'FAILED', reason: error instanceof Error ? error.message : String(error) };
  }
  await removeGitLabRunners(ports, ports.now() + gitlabPatienceSeconds * 1_000, log);
  return outcome;
}

export const handler = lambdaHandler({
  input: cloudFormationRequestSchema,
  logFields: ({ RequestType, RequestId }) => ({ requestType: RequestType, cloudFormationRequestId: RequestId }),
  ports: () => {
    const tables = createTables();
    return {
      ...tables,
      gitlab: createGitLabFromEnvironment(),
      instances: createDeploymentInstances(tables.deployment),
      sleep,
      answer: answerCloudFormation,
    };
  },
  work: removeRunners,
});
