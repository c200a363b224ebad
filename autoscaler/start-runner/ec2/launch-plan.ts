import { createHash } from 'node:crypto';
import { type JobKey, jobKeyOf } from '../../../infrastructure/lib/job-key.ts';
import type { LaunchGroup, RunnerItem } from '../../runners/runner-item.ts';
import type { LaunchRequest } from '../start-runner-input.ts';

/** A message of the launch queue with the item of its job. */
export type SeenRequest = {
  readonly messageId: string;
  readonly request: LaunchRequest;
  readonly item: RunnerItem | null;
};

export type LaunchPlan = {
  /** Messages about jobs that need no instance (any more). */
  readonly settled: readonly SeenRequest[];
  /** Groups that an earlier delivery has begun. */
  readonly begun: readonly LaunchGroup[];
  /** Requests to launch together, by profile. */
  readonly fresh: readonly {
    readonly profile: string;
    readonly group: LaunchGroup;
    readonly attempts: readonly number[];
  }[];
};

/**
 * Sorts the messages of one delivery: what is settled, what was begun before and is to be finished, and what is new, one group for each
 * profile. `newGroupId` gives an id that was never used: a group that was dissolved must not find its old launch again.
 */
export function planLaunches(seen: readonly SeenRequest[], newGroupId: () => string): LaunchPlan {
  const settled = seen.filter(({ request, item }) => !isWanted(request, item));
  const open = seen.filter(({ request, item }) => isWanted(request, item));
  const begun = new Map(
    open.flatMap(({ item }) => (item?.launchGroup ? [[item.launchGroup.id, item.launchGroup]] : [])),
  );
  const fresh = new Map<string, Map<JobKey, number>>();
  for (const { request, item } of open) {
    if (item?.launchGroup) continue;
    const jobs = fresh.get(request.profile) ?? new Map<JobKey, number>();
    fresh.set(request.profile, jobs.set(jobKeyOf(request), request.attempt));
  }
  return {
    settled,
    begun: [...begun.values()],
    fresh: [...fresh].map(([profile, jobs]) => {
      const sorted = [...jobs].sort(([a], [b]) => (a < b ? -1 : 1));
      return {
        profile,
        group: { id: newGroupId(), jobs: sorted.map(([job]) => job) },
        attempts: sorted.map(([, attempt]) => attempt),
      };
    }),
  };
}

/** A request is settled once its job has an instance, has ended, or has another attempt. */
function isWanted(request: LaunchRequest, item: RunnerItem | null): boolean {
  return item?.state === 'REGISTERED' && item.attempt === request.attempt;
}

/**
 * CreateFleet's idempotency token (at most 64 ASCII characters): the same group with the same parameters is the same launch; on-demand after
 * spot, or other parameters, is another one. Source: https://docs.aws.amazon.com/ec2/latest/devguide/ec2-api-idempotency.html
 */
export function clientTokenOf(deployment: string, group: LaunchGroup, lifecycle: string, parameters: unknown): string {
  const text = [deployment, group.id, lifecycle, JSON.stringify(parameters)].join('\n');
  return createHash('sha256').update(text).digest('hex').slice(0, 64);
}

/** Which instance is which job's: by order in both lists, so that every delivery of a group's messages gives the same pairs. */
export function pairInstances(group: LaunchGroup, instanceIds: readonly string[]) {
  const pairs = group.jobs
    .slice(0, instanceIds.length)
    .map((job, index) => ({ job, instanceId: instanceIds[index] ?? '' }));
  return { pairs, unserved: group.jobs.slice(instanceIds.length), surplus: instanceIds.slice(group.jobs.length) };
}
