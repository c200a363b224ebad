import {
  CreateFleetCommand,
  type CreateFleetCommandInput,
  EC2Client,
  EC2ServiceException,
  TerminateInstancesCommand,
} from '@aws-sdk/client-ec2';
import type { FleetRequest, Instances } from './fleet.ts';
import { judgeLaunchError, LaunchThrottledError, PermanentLaunchError } from './launch-errors.ts';

/** EC2, as the environment addresses it. */
export function createInstances(ec2 = new EC2Client({ maxAttempts: 4 })): Instances {
  return {
    async launch(request, clientToken) {
      try {
        const answer = await ec2.send(new CreateFleetCommand({ ...fleetOf(request), ClientToken: clientToken }));
        const errors = answer.Errors ?? [];
        const instanceIds = (answer.Instances ?? []).flatMap((instance) => instance.InstanceIds ?? []).sort();
        const told = errors.map(({ ErrorCode, ErrorMessage }) => ({
          code: ErrorCode ?? '',
          message: ErrorMessage ?? '',
        }));
        // Errors beside instances only explain what is missing; without any instance they are the outcome.
        if (instanceIds.length === 0) for (const { code, message } of told) refuseUnlessCapacity(code, message);
        return { instanceIds, errorCodes: [...new Set(told.map(({ code }) => code))], ended: false };
      } catch (error) {
        if (!(error instanceof EC2ServiceException)) throw error;
        if (error.name === 'IdempotentInstanceTerminated')
          return { instanceIds: [], errorCodes: [error.name], ended: true };
        refuseUnlessCapacity(error.name, error.message, error);
        return { instanceIds: [], errorCodes: [error.name], ended: false };
      }
    },
    async terminate(instanceIds) {
      // One by one: in a call for many, one that is refused would keep all of them alive.
      const ends = await Promise.allSettled(
        instanceIds.map((instanceId) => ec2.send(new TerminateInstancesCommand({ InstanceIds: [instanceId] }))),
      );
      const refusals = ends.flatMap((end) => (end.status === 'rejected' && !isGone(end.reason) ? [end.reason] : []));
      if (refusals.length > 0) throw refusals[0];
    },
  };
}

function isGone(error: unknown): boolean {
  return error instanceof EC2ServiceException && error.name === 'InvalidInstanceID.NotFound';
}

function refuseUnlessCapacity(code: string, message: string, cause?: unknown): void {
  switch (judgeLaunchError(code)) {
    case 'no-capacity':
      return;
    case 'throttled':
      throw new LaunchThrottledError(`CreateFleet: ${code}: ${message}`, { cause });
    case 'permanent':
      throw new PermanentLaunchError(
        `CreateFleet: ${code}: ${message}. Check the profile's launch template, AMI and subnets, and the permissions of the launcher.`,
        { cause },
      );
  }
}

/** Source: https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_CreateFleet.html */
export function fleetOf({ profile, subnetIds, lifecycle, count, tags }: FleetRequest): CreateFleetCommandInput {
  const tagList = Object.entries(tags).map(([Key, Value]) => ({ Key, Value }));
  return {
    Type: 'instant',
    TargetCapacitySpecification: { TotalTargetCapacity: count, DefaultTargetCapacityType: lifecycle },
    ...(lifecycle === 'spot'
      ? {
          SpotOptions: {
            AllocationStrategy: 'price-capacity-optimized',
            InstanceInterruptionBehavior: 'terminate',
          },
        }
      : { OnDemandOptions: { AllocationStrategy: 'lowest-price' } }),
    LaunchTemplateConfigs: [
      {
        LaunchTemplateSpecification: {
          LaunchTemplateId: profile.launchTemplateId,
          Version: profile.launchTemplateVersion,
        },
        Overrides: profile.instanceTypes.flatMap((type) =>
          subnetIds.map((SubnetId) => ({
            InstanceType: type as never,
            SubnetId,
            ...(lifecycle === 'spot' && profile.maxPriceUsd !== undefined
              ? { MaxPrice: String(profile.maxPriceUsd) }
              : {}),
          })),
        ),
      },
    ],
    // The fleet as well: the launcher may only create what carries the deployment's tag.
    TagSpecifications: (['fleet', 'instance'] as const).map((ResourceType) => ({ ResourceType, Tags: tagList })),
  };
}
