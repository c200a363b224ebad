import { createEventBus } from '../../autoscaler/events/event-bus.client.ts';
import { infrastructureParameters } from '../../infrastructure/exports.ts';
import type { JobEvent } from '../../infrastructure/kit/job-event.ts';
import { readParameter } from './deployment-names.client.ts';
import { type DeploymentOptions, deploymentNameOf } from './deployments.client.ts';

/** The event bus of the deployment that the options of the command line name. */
export async function openJobEvents(options: DeploymentOptions) {
  const names = infrastructureParameters(await deploymentNameOf(options));
  const bus = createEventBus(await readParameter(names.eventBusArn));
  return {
    /** Says once more that the job is pending: the start workflow looks at it, as the reconciler would let it. */
    askForRunner: (event: JobEvent) =>
      bus.tell('Job Pending', { ...event, status: 'pending', runnerId: null, deliveryId: null }),
  };
}
