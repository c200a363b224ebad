import { deploymentTag } from '../../../infrastructure/lib/deployment-tag.ts';
import type { JobKey } from '../../../infrastructure/lib/job-key.ts';
import type { Log } from '../../../infrastructure/lib/log.ts';
import type { LaunchProfile } from '../../environment.ts';
import type { LaunchGroup } from '../../runners/runner-item.ts';
import type { FleetRequest, Instances, Lifecycle } from './fleet.ts';
import { launchGroupTag, profileTag } from './instance-tags.ts';
import { PermanentLaunchError } from './launch-errors.ts';
import { giveInstance, type InstanceGiverPorts, leaveGroup } from './launch-groups.ts';
import { clientTokenOf, pairInstances } from './launch-plan.ts';

export type LaunchGroupPorts = InstanceGiverPorts & {
  readonly deployment: string;
  readonly instances: Instances;
  readonly profiles: Readonly<Record<string, LaunchProfile>>;
  readonly subnetIds: readonly string[];
};

/** `refused`: jobs that got no instance and never will, because of `error`. */
export type GroupOutcome = { readonly refused: readonly JobKey[]; readonly error: PermanentLaunchError | null };

/**
 * Launches a group's instances and gives each to its job. What one call gave is given away, whatever becomes of the next call; jobs without an
 * instance leave the group when every call was answered, and keep it when EC2 wants to be asked again, so that the same launch
 * goes on.
 */
export async function launchGroup(
  profileName: string,
  group: LaunchGroup,
  ports: LaunchGroupPorts,
  context: { readonly log: Log },
): Promise<GroupOutcome> {
  const log = context.log.with({ launchGroup: group.id, profile: profileName });
  const { instanceIds, failure } = await requestInstances(profileName, group, ports, log);
  const { pairs, unserved, surplus } = pairInstances(group, instanceIds);
  const unneeded = [...surplus];
  for (const { job, instanceId } of pairs) {
    const outcome = await giveInstance(ports, group, job, instanceId);
    log.info('instance given', { job, instanceId, outcome });
    if (outcome === 'refused') unneeded.push(instanceId);
  }
  if (unneeded.length > 0) await ports.instances.terminate(unneeded);
  if (failure instanceof PermanentLaunchError) return { refused: unserved, error: failure };
  if (failure) throw failure;
  for (const job of unserved) await leaveGroup(ports.store, group, job);
  return { refused: [], error: null };
}

/** Asks for spot, on-demand, or one after the other, until the group has what it needs or a call fails. */
async function requestInstances(profileName: string, group: LaunchGroup, ports: LaunchGroupPorts, log: Log) {
  const profile = ports.profiles[profileName];
  const instanceIds: string[] = [];
  if (!profile) {
    const remedy = `The profile "${profileName}" was not deployed: deploy it, or change the mapping.`;
    return { instanceIds, failure: new PermanentLaunchError(remedy) };
  }
  for (const lifecycle of lifecyclesOf(profile)) {
    const count = group.jobs.length - instanceIds.length;
    if (count === 0) break;
    const request: FleetRequest = {
      profile,
      subnetIds: profile.subnetIds ?? ports.subnetIds,
      lifecycle,
      count,
      tags: { [deploymentTag]: ports.deployment, [launchGroupTag]: group.id, [profileTag]: profileName },
    };
    try {
      const answer = await ports.instances.launch(request, clientTokenOf(ports.deployment, group, lifecycle, request));
      log.info('instances requested', { lifecycle, count, ...answer });
      instanceIds.push(...answer.instanceIds);
    } catch (failure) {
      log.error('instances refused', { lifecycle, count, error: failure });
      return { instanceIds, failure };
    }
  }
  return { instanceIds, failure: null };
}

function lifecyclesOf({ onDemand }: LaunchProfile): readonly Lifecycle[] {
  switch (onDemand) {
    case 'never':
      return ['spot'];
    case 'fallback':
      return ['spot', 'on-demand'];
    case 'always':
      return ['on-demand'];
  }
}
