import {
  CreateFleetCommand,
  type CreateFleetCommandInput,
  EC2Client,
  EC2ServiceException,
  TerminateInstancesCommand,
} from '@aws-sdk/client-ec2';
import { type BackoffPorts, retryWithBackoff, systemBackoffPorts } from '../../../infrastructure/kit/lambda/backoff.ts';
import type { FleetAnswer, FleetRequest, Instances } from './fleet.ts';
import {
  judgeFleetErrors,
  judgeLaunchError,
  LaunchThrottledError,
  LaunchTokenReusedError,
  PermanentLaunchError,
  remedyOf,
} from './launch-errors.ts';

/**
 * Two launches of a group, spot and on-demand, and their tickets have to fit into one run of the launcher. EC2 refills
 * two calls a second, so that a first wait much shorter than a second only meets the next refusal.
 */
const backoff = {
  maxAttempts: 5,
  firstDelayMilliseconds: 1_000,
  longestDelayMilliseconds: 4_000,
  budgetMilliseconds: 8_000,
};

/** EC2, as the environment addresses it. Throttled calls are made again for some seconds, with the same token. */
export function createInstances(
  // The SDK's own retries would only multiply ours.
  ec2: Pick<EC2Client, 'send'> = new EC2Client({ maxAttempts: 1 }),
  backoffPorts: BackoffPorts = systemBackoffPorts,
): Instances {
  const retrying = <T>(call: () => Promise<T>) => retryWithBackoff(call, judgeFailure, backoff, backoffPorts);
  return {
    async launch(request, clientToken) {
      const input = { ...fleetOf(request), ClientToken: clientToken };
      try {
        const answer = await retrying(() => ec2.send(new CreateFleetCommand(input)));
        const instanceIds = (answer.Instances ?? []).flatMap((instance) => instance.InstanceIds ?? []).sort();
        const errors = (answer.Errors ?? []).map(({ ErrorCode = '', ErrorMessage = '' }) => ({
          code: ErrorCode,
          message: ErrorMessage,
        }));
        return answerOf(instanceIds, errors);
      } catch (error) {
        if (!(error instanceof EC2ServiceException)) throw error;
        return answerOfRefusal(error);
      }
    },
    async terminate(instanceIds) {
      // One by one: in a call for many, one that is refused would keep all of them alive.
      const ends = await Promise.allSettled(
        instanceIds.map((instanceId) =>
          retrying(() => ec2.send(new TerminateInstancesCommand({ InstanceIds: [instanceId] }))),
        ),
      );
      const refusals = ends.flatMap((end) => (end.status === 'rejected' && !isGone(end.reason) ? [end.reason] : []));
      if (refusals.length > 0) throw refusals[0];
    },
  };
}

/** What EC2 has not answered at all (a connection that broke) may be tried again too: the token makes it one launch. */
function judgeFailure(error: unknown) {
  return { retry: !(error instanceof EC2ServiceException) || judgeLaunchError(error.name) === 'throttled' };
}

function isGone(error: unknown): boolean {
  return error instanceof EC2ServiceException && error.name === 'InvalidInstanceID.NotFound';
}

type FleetError = { readonly code: string; readonly message: string };

/** An answer of EC2, whose errors may stand beside instances or alone. */
function answerOf(instanceIds: readonly string[], errors: readonly FleetError[]): FleetAnswer {
  const errorCodes = [...new Set(errors.map(({ code }) => code))];
  switch (judgeFleetErrors(errorCodes, instanceIds.length)) {
    case 'no-capacity':
      return { instanceIds, errorCodes, verdict: 'answered' };
    case 'throttled':
      return { instanceIds, errorCodes, verdict: 'throttled' };
    case 'permanent':
      throw permanent(errors);
  }
}

function answerOfRefusal(error: EC2ServiceException): FleetAnswer {
  const { name, message } = error;
  if (name === 'IdempotentInstanceTerminated') return { instanceIds: [], errorCodes: [name], verdict: 'ended' };
  if (name === 'IdempotentParameterMismatch') {
    throw new LaunchTokenReusedError(`CreateFleet: ${name}: ${message}`, { cause: error });
  }
  switch (judgeLaunchError(name)) {
    case 'no-capacity':
      return { instanceIds: [], errorCodes: [name], verdict: 'answered' };
    case 'throttled':
      throw new LaunchThrottledError(`CreateFleet: ${name}: ${message}`, { cause: error });
    case 'permanent':
      throw permanent([{ code: name, message }], error);
  }
}

function permanent(errors: readonly FleetError[], cause?: unknown): PermanentLaunchError {
  const first = errors.filter(({ code }, index) => errors.findIndex((other) => other.code === code) === index);
  const told = first.map(({ code, message }) => `${code}: ${message} ${remedyOf(code)}`).join(' ');
  return new PermanentLaunchError(`CreateFleet: ${told}`, { cause });
}

/** Source: https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_CreateFleet.html */
export function fleetOf({ source, lifecycle, count, tags }: FleetRequest): CreateFleetCommandInput {
  const tagList = Object.entries(tags).map(([Key, Value]) => ({ Key, Value }));
  const { maxPriceUsd } = source;
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
          LaunchTemplateId: source.launchTemplateId,
          Version: source.launchTemplateVersion,
        },
        Overrides: source.instanceTypes.flatMap((type) =>
          source.subnetIds.map((SubnetId) => ({
            InstanceType: type as never,
            SubnetId,
            ...(lifecycle === 'spot' && maxPriceUsd !== undefined ? { MaxPrice: String(maxPriceUsd) } : {}),
          })),
        ),
      },
    ],
    // All that an instant fleet can tag, whatever the template tags: the launcher may only create what carries the
    // deployment's tag.
    TagSpecifications: (['fleet', 'instance', 'volume', 'network-interface'] as const).map((ResourceType) => ({
      ResourceType,
      Tags: tagList,
    })),
  };
}
