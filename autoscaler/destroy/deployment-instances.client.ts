import { EC2Client, paginateDescribeInstances, TerminateInstancesCommand } from '@aws-sdk/client-ec2';
import { deploymentTag } from '../../infrastructure/deployment/deployment-tag.ts';
import { createInstances } from '../runner-types/ec2/instances.client.ts';

/** As many as one call may name without being refused for its size. */
const instancesPerCall = 50;

export type DeploymentInstances = {
  /** Every instance with the deployment's tag that has not ended for good; `ends` when it is on its way there. */
  list(): Promise<readonly { readonly instanceId: string; readonly ends: boolean }[]>;
  /** Terminates instances, few calls for many: EC2 takes about two a second. */
  terminate(instanceIds: readonly string[]): Promise<void>;
};

/** The instances of a deployment, by its tag: EC2 is asked, whatever our tables say. */
export function createDeploymentInstances(
  deployment: string,
  ec2 = new EC2Client({ maxAttempts: 6 }),
): DeploymentInstances {
  const oneByOne = createInstances(ec2);
  return {
    async list() {
      const Filters = [
        { Name: `tag:${deploymentTag}`, Values: [deployment] },
        { Name: 'instance-state-name', Values: ['pending', 'running', 'stopping', 'stopped', 'shutting-down'] },
      ];
      const found: { instanceId: string; ends: boolean }[] = [];
      for await (const page of paginateDescribeInstances({ client: ec2, pageSize: 1_000 }, { Filters })) {
        for (const { InstanceId, State } of page.Reservations?.flatMap((one) => one.Instances ?? []) ?? []) {
          if (InstanceId) found.push({ instanceId: InstanceId, ends: State?.Name === 'shutting-down' });
        }
      }
      return found;
    },
    async terminate(instanceIds) {
      const refusals: unknown[] = [];
      for (let from = 0; from < instanceIds.length; from += instancesPerCall) {
        const InstanceIds = instanceIds.slice(from, from + instancesPerCall);
        // One that is refused (it is gone, or protected) keeps all of its call alive.
        await ec2
          .send(new TerminateInstancesCommand({ InstanceIds }))
          .catch(() => oneByOne.terminate(InstanceIds))
          .catch((error: unknown) => refusals.push(error));
      }
      if (refusals.length > 0) throw refusals[0];
    },
  };
}
