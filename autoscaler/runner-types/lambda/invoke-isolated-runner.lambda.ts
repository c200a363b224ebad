import type * as z from 'zod/mini';
import { awsEnvironmentOf } from '../../../infrastructure/kit/aws/aws-environment.ts';
import { createAwsPost } from '../../../infrastructure/kit/aws/signed-aws.client.ts';
import { type LambdaContext, lambdaHandler } from '../../../infrastructure/kit/lambda/lambda-handler.client.ts';
import { invokeIsolatedRunnerInput } from './invoke-isolated-runner-input.ts';
import { createTenantInvocation, type InvokeForTenant } from './runner-function.client.ts';

export type InvokeIsolatedRunnerPorts = { readonly invoke: InvokeForTenant };

/**
 * Starts a runner's function in an execution environment that no other project has used or will use. A Lambda does it
 * because Step Functions' own integration does not list the tenant's id among its parameters.
 */
export async function invokeIsolatedRunner(
  { functionArn, tenantId, payload }: z.infer<typeof invokeIsolatedRunnerInput>,
  ports: InvokeIsolatedRunnerPorts,
  { log }: LambdaContext,
): Promise<{ readonly invoked: true }> {
  await ports.invoke(functionArn, tenantId, payload);
  log.info('function invoked', { functionArn, tenantId });
  return { invoked: true };
}

export const handler = lambdaHandler({
  input: invokeIsolatedRunnerInput,
  logFields: ({ payload }) => ({
    projectId: payload.job.projectId,
    jobId: payload.job.jobId,
    attempt: payload.attempt,
  }),
  ports: () => ({ invoke: createTenantInvocation(createAwsPost(awsEnvironmentOf(process.env))) }),
  work: invokeIsolatedRunner,
});
