import { deploymentTag } from '../../../infrastructure/deployment/deployment-tag.ts';
import type { JobKey } from '../../../infrastructure/kit/job-key.ts';
import type { Log } from '../../../infrastructure/kit/lambda/log.ts';
import type { LaunchGroup, LaunchSource } from '../../runner-store/runner-item.ts';
import type { FleetRequest, Instances, Lifecycle } from './fleet.ts';
import { launchGroupTag, profileTag } from './instance-tags.ts';
import {
  LaunchEndedError,
  LaunchThrottledError,
  LaunchTokenReusedError,
  NoCapacityError,
  PermanentLaunchError,
  quotaCodes,
  remedyOfShortage,
} from './launch-errors.ts';
import { giveInstance, type InstanceGiverPorts, leaveGroup } from './launch-groups.ts';
import { clientTokenOf, pairInstances } from './launch-plan.ts';

export type LaunchGroupPorts = InstanceGiverPorts & {
  readonly deployment: string;
  readonly instances: Instances;
  /** What a profile's instances are launched from now; null when it is not deployed (any more). */
  readonly sourceOf: (profile: string) => LaunchSource | null;
};

export type GroupOutcome = {
  /** Null when there was no group to launch. */
  readonly groupId: string | null;
  readonly given: readonly { readonly job: JobKey; readonly instanceId: string }[];
  /** Jobs whose runner's token is gone: they need another attempt. */
  readonly lost: readonly JobKey[];
  /** Jobs without an instance, and why. */
  readonly unserved: readonly JobKey[];
  readonly reason: Error | null;
  /** There are instances that nobody needs and that EC2 did not terminate yet: the group is to be looked at again. */
  readonly leftAlive: boolean;
};

/**
 * Launches a group's instances and gives each to its job. What one call gave is given away, whatever becomes of the
 * next call. Jobs without an instance leave the group once its calls were answered, so that their messages begin
 * another one; they keep it while a call has no answer yet, so that the very same call is made again. When no
 * repetition helps, `reason` is a PermanentLaunchError.
 */
export async function launchGroup(
  group: LaunchGroup,
  ports: LaunchGroupPorts,
  context: { readonly log: Log },
): Promise<GroupOutcome> {
  const log = context.log.with({ launchGroup: group.id, profile: group.profile });
  const { instanceIds, reason, answered } = await requestInstances(group, ports, log);
  const { pairs, unserved, surplus } = pairInstances(group, instanceIds);
  const given: { job: JobKey; instanceId: string }[] = [];
  const unneeded = [...surplus];
  const lost: JobKey[] = [];
  for (const { job, instanceId } of pairs) {
    const outcome = await giveInstance(ports, group, job, instanceId);
    log.info('instance given', { job, instanceId, outcome });
    if (outcome === 'given') given.push({ job, instanceId });
    if (outcome === 'lost') lost.push(job);
    if (outcome === 'refused' || outcome === 'lost') unneeded.push(instanceId);
  }
  const leftAlive = unneeded.length > 0 && !(await terminated(unneeded, ports.instances, log));
  const outdated = changedSince(group, reason, ports);
  if (answered || outdated) for (const job of unserved) await leaveGroup(ports.store, group, job);
  return { groupId: group.id, given, lost, unserved, reason: outdated ?? reason, leftAlive };
}

/**
 * Terminates what a group has launched and nobody got: its hosts may not wait for tickets any more, and its jobs are
 * launched for anew. Asked once more with the same tokens, EC2 tells the instances of the first time.
 *
 * @returns false when EC2 did not say, or did not do it: it is to be tried again before anything else is launched for
 * these jobs
 */
export async function dissolveGroup(
  group: LaunchGroup,
  ports: LaunchGroupPorts,
  context: { readonly log: Log },
): Promise<boolean> {
  const log = context.log.with({ launchGroup: group.id, profile: group.profile });
  const { instanceIds, reason, answered } = await requestInstances(group, ports, log);
  const owners = await Promise.all(instanceIds.map((instanceId) => ports.store.readByInstanceId(instanceId)));
  const unowned = instanceIds.filter((_, index) => !owners[index]);
  log.warn('the launch was never finished, and is made anew', { instanceIds, unowned });
  if (unowned.length > 0 && !(await terminated(unowned, ports.instances, log))) return false;
  // What EC2 refuses for good it has not launched.
  return reason instanceof PermanentLaunchError || (answered && !(reason instanceof LaunchThrottledError));
}

async function terminated(instanceIds: readonly string[], instances: Instances, log: Log): Promise<boolean> {
  try {
    await instances.terminate(instanceIds);
    return true;
  } catch (error) {
    log.error('instances that nobody needs were not terminated; they end themselves for want of a ticket', {
      instanceIds,
      error,
    });
    return false;
  }
}

/** A refusal for good of what was deployed when the group began says nothing about what is deployed now. */
function changedSince({ profile, source }: LaunchGroup, reason: Error | null, ports: LaunchGroupPorts): Error | null {
  const now = ports.sourceOf(profile);
  if (!now || !(reason instanceof PermanentLaunchError)) return null;
  const { launchTemplateId, launchTemplateVersion } = source;
  if (now.launchTemplateId === launchTemplateId && now.launchTemplateVersion === launchTemplateVersion) return null;
  return new LaunchEndedError('The profile was deployed anew meanwhile: launching anew', { cause: reason });
}

type Requested = {
  readonly instanceIds: readonly string[];
  /** Why there are fewer instances than jobs. */
  readonly reason: Error | null;
  /** Whether EC2 has answered all calls: their tokens give nothing new. */
  readonly answered: boolean;
};

/** Asks for spot, on-demand, or one after the other, until the group has what it needs or a call fails. */
async function requestInstances(group: LaunchGroup, ports: LaunchGroupPorts, log: Log): Promise<Requested> {
  const instanceIds: string[] = [];
  const told: string[] = [];
  const codes: string[] = [];
  for (const lifecycle of lifecyclesOf(group.source)) {
    const count = group.jobs.length - instanceIds.length;
    if (count === 0) break;
    const request = fleetRequestOf(group, lifecycle, count, ports.deployment);
    try {
      const answer = await ports.instances.launch(request, clientTokenOf(ports.deployment, group, lifecycle, request));
      if (answer.errorCodes.some((code) => quotaCodes.includes(code))) {
        log.count({ QuotasReached: 1 }, 'quota reached', { lifecycle, count, ...answer });
      } else log.info('instances requested', { lifecycle, count, ...answer });
      instanceIds.push(...answer.instanceIds);
      const { errorCodes, verdict } = answer;
      const said = errorCodes.join(', ');
      if (verdict === 'ended') {
        const reason = new LaunchEndedError('The instances of this launch are gone: launching anew');
        return { instanceIds, reason, answered: true };
      }
      if (verdict === 'throttled') {
        return { instanceIds, reason: new LaunchThrottledError(`CreateFleet: ${said}`), answered: true };
      }
      codes.push(...errorCodes);
      told.push(`${lifecycle}: ${said || 'no instance and no error'}`);
    } catch (error) {
      if (error instanceof LaunchTokenReusedError) {
        log.count({ LaunchTokensReused: 1 }, 'launch token reused', { lifecycle, count, error });
      } else log.error('instances refused', { lifecycle, count, error });
      const reason = error instanceof Error ? error : new Error(String(error));
      return { instanceIds, reason, answered: error instanceof LaunchTokenReusedError };
    }
  }
  if (instanceIds.length >= group.jobs.length) return { instanceIds, reason: null, answered: true };
  const shortage = `No capacity for the profile "${group.profile}" (${told.join('; ')}): ${remedyOfShortage(codes)}`;
  return { instanceIds, reason: new NoCapacityError(shortage), answered: true };
}

function fleetRequestOf(group: LaunchGroup, lifecycle: Lifecycle, count: number, deployment: string): FleetRequest {
  return {
    source: group.source,
    lifecycle,
    count,
    tags: {
      ...group.source.tags,
      [deploymentTag]: deployment,
      [launchGroupTag]: group.id,
      [profileTag]: group.profile,
      ...group.jobTags,
    },
  };
}

function lifecyclesOf({ onDemand }: LaunchSource): readonly Lifecycle[] {
  switch (onDemand) {
    case 'never':
      return ['spot'];
    case 'fallback':
      return ['spot', 'on-demand'];
    case 'always':
      return ['on-demand'];
  }
}
