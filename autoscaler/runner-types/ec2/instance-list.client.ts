import { EC2Client, paginateDescribeInstances } from '@aws-sdk/client-ec2';
import { deploymentTag } from '../../../infrastructure/deployment/deployment-tag.ts';
import type { InstanceList, ListedInstance } from './instance-list.ts';

/** What still costs money or may again. */
const livingStates = ['pending', 'running', 'stopping', 'stopped'];

/** The instances of a deployment, by its tag: EC2 is asked, whatever our tables say. */
export function createInstanceList(deployment: string, ec2 = new EC2Client({ maxAttempts: 4 })): InstanceList {
  return {
    async listInstances() {
      const Filters = [
        { Name: `tag:${deploymentTag}`, Values: [deployment] },
        { Name: 'instance-state-name', Values: livingStates },
      ];
      const found: ListedInstance[] = [];
      for await (const page of paginateDescribeInstances({ client: ec2, pageSize: 1_000 }, { Filters })) {
        for (const { InstanceId, LaunchTime, Tags = [] } of page.Reservations?.flatMap((one) => one.Instances ?? []) ??
          []) {
          if (!InstanceId) continue;
          const tags = Object.fromEntries(Tags.map(({ Key = '', Value = '' }) => [Key, Value]));
          found.push({ instanceId: InstanceId, launchedAt: (LaunchTime ?? new Date(0)).toISOString(), tags });
        }
      }
      return found;
    },
  };
}
