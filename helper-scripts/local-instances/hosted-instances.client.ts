import {
  DescribeInstanceAttributeCommand,
  EC2Client,
  type Instance,
  paginateDescribeInstances,
  StopInstancesCommand,
  TerminateInstancesCommand,
} from '@aws-sdk/client-ec2';
import { AwsClient } from 'aws4fetch';
import { deploymentTag } from '../../infrastructure/deployment/deployment-tag.ts';
import type { InstanceIdentity } from './instance-metadata.server.ts';
import type { AwsAccess } from './instance-role.client.ts';

/** An instance that EC2 says is running. */
export type RunningInstance = Omit<InstanceIdentity, 'userData' | 'roleName'> & {
  readonly instanceProfileArn: string | undefined;
};

/** The local AWS would not announce an interruption. */
export class InterruptionRefusedError extends Error {
  override readonly name = 'InterruptionRefusedError';
}

export type HostedInstances = {
  /** Every running instance of a deployment of ours. */
  listRunning(): Promise<readonly RunningInstance[]>;
  /** The decoded user data; empty when there is none. */
  readUserData(instanceId: string): Promise<string>;
  terminate(instanceId: string): Promise<void>;
  /**
   * Does to an instance that has shut itself down what it was launched with: without a word EC2 only stops it, and
   * keeps its disk.
   */
  endAfterShutdown(instanceId: string): Promise<void>;
  /** Makes EC2 announce on the account's bus that it takes a spot instance back. */
  announceInterruption(instanceId: string): Promise<void>;
};

/** The instances of the local AWS that someone must bring to life. */
export function createHostedInstances({ endpoint, region, credentials }: AwsAccess): HostedInstances {
  const ec2 = new EC2Client({ endpoint, region, credentials });
  const queries = new AwsClient({ ...credentials, region, service: 'ec2', retries: 0 });
  return {
    async listRunning() {
      const Filters = [
        { Name: 'tag-key', Values: [deploymentTag] },
        { Name: 'instance-state-name', Values: ['running'] },
      ];
      const found: RunningInstance[] = [];
      for await (const page of paginateDescribeInstances({ client: ec2 }, { Filters })) {
        for (const { Instances = [], OwnerId = '' } of page.Reservations ?? []) {
          found.push(...Instances.map((instance) => describe(instance, OwnerId, region)));
        }
      }
      return found;
    },
    async readUserData(InstanceId) {
      const answer = await ec2.send(new DescribeInstanceAttributeCommand({ InstanceId, Attribute: 'userData' }));
      return Buffer.from(answer.UserData?.Value ?? '', 'base64').toString('utf8');
    },
    async terminate(instanceId) {
      await ec2.send(new TerminateInstancesCommand({ InstanceIds: [instanceId] }));
    },
    async endAfterShutdown(InstanceId) {
      const Attribute = 'instanceInitiatedShutdownBehavior';
      const answer = await ec2.send(new DescribeInstanceAttributeCommand({ InstanceId, Attribute }));
      const ends = answer.InstanceInitiatedShutdownBehavior?.Value === 'terminate';
      const instances = { InstanceIds: [InstanceId] };
      if (ends) await ec2.send(new TerminateInstancesCommand(instances));
      else await ec2.send(new StopInstancesCommand(instances));
    },
    async announceInterruption(instanceId) {
      // The SDK knows no such call: on AWS only Fault Injection Service makes it.
      const body = new URLSearchParams({
        Action: 'SendSpotInstanceInterruptions',
        Version: '2016-11-15',
        'InstanceId.1': instanceId,
      });
      const response = await queries.fetch(endpoint, {
        method: 'POST',
        headers: { 'content-type': 'application/x-www-form-urlencoded' },
        body: body.toString(),
      });
      const answer = await response.text();
      if (!response.ok) throw new InterruptionRefusedError(`${instanceId}: ${response.status} ${answer.slice(0, 300)}`);
    },
  };
}

function describe(instance: Instance, accountId: string, region: string): RunningInstance {
  return {
    instanceId: instance.InstanceId ?? '',
    accountId,
    region,
    availabilityZone: instance.Placement?.AvailabilityZone ?? `${region}a`,
    imageId: instance.ImageId ?? '',
    instanceType: instance.InstanceType ?? '',
    architecture: instance.Architecture ?? '',
    privateIp: instance.PrivateIpAddress ?? '',
    launchedAt: instance.LaunchTime ?? new Date(0),
    instanceProfileArn: instance.IamInstanceProfile?.Arn,
  };
}
