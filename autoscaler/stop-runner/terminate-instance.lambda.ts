import { type LambdaContext, lambdaHandler } from '../../infrastructure/kit/lambda/lambda-handler.client.ts';
import { type RunnerToStop, runnerToStopSchema } from '../end-runner/stop-runner-input.ts';
import type { Instances } from '../runner-types/ec2/fleet.ts';
import { createInstances } from '../runner-types/ec2/instances.client.ts';

export type TerminateInstancePorts = { readonly instances: Pick<Instances, 'terminate'> };

/** Terminates the runner's instance. Already gone is success. */
export async function terminateInstance(
  { instanceId }: RunnerToStop,
  { instances }: TerminateInstancePorts,
  { log }: LambdaContext,
) {
  if (instanceId === null) return;
  await instances.terminate([instanceId]);
  log.info('instance terminated', { instanceId });
}

export const handler = lambdaHandler({
  input: runnerToStopSchema,
  logFields: ({ job, attempt }) => ({ runnerOf: job, attempt }),
  ports: () => ({ instances: createInstances() }),
  work: terminateInstance,
});
