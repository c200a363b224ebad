import { createHash } from 'node:crypto';
import { type JobKey, jobKeyOf } from '../../../infrastructure/kit/job-key.ts';
import type { LaunchGroup, LaunchSource, RunnerItem } from '../../runner-store/runner-item.ts';
import { jobTagsOf } from './instance-tags.ts';
import type { LaunchRequest } from './launch-request.ts';

/** A message of the launch queue with the item of its job. */
export type SeenRequest = {
  readonly messageId: string;
  readonly request: LaunchRequest;
  readonly item: RunnerItem | null;
};

/** A job that joins a new group; `over` is the group that it leaves for it. */
export type GroupMember = {
  readonly job: JobKey;
  readonly attempt: number;
  readonly over: LaunchGroup | undefined;
};

export type FreshGroup = { readonly group: LaunchGroup; readonly members: readonly GroupMember[] };

export type LaunchPlan = {
  /** Messages about jobs that need no instance (any more). */
  readonly settled: readonly SeenRequest[];
  /** Groups that an earlier delivery has begun, and that are to be finished. */
  readonly begun: readonly LaunchGroup[];
  /** Groups that are not to be finished any more, whose jobs are in a fresh one: what they launched has to go first. */
  readonly expired: readonly LaunchGroup[];
  /** Requests to launch together: those of one profile, apart from those that may only run on demand. */
  readonly fresh: readonly FreshGroup[];
  /** Requests whose profile was not deployed. */
  readonly undeployed: readonly LaunchRequest[];
};

export type PlanContext = {
  /** Gives an id that was never used: a group that was dissolved must not find its old launch again. */
  readonly newGroupId: () => string;
  /** What a profile's instances are launched from; null when it was not deployed. */
  readonly sourceOf: (profile: string) => LaunchSource | null;
  /** Milliseconds since 1970. */
  readonly now: number;
};

/**
 * Hosts without a ticket end themselves after three minutes (`claimSeconds` of their boot script). A group is finished
 * only as long as they surely wait; its successor shares nothing with it.
 */
export const groupLifeSeconds = 150;

/**
 * Sorts the messages of one delivery: what is settled, what was begun before and is to be finished, and what is new.
 */
export function planLaunches(seen: readonly SeenRequest[], context: PlanContext): LaunchPlan {
  const settled: SeenRequest[] = [];
  const begun = new Map<string, LaunchGroup>();
  const expired = new Map<string, LaunchGroup>();
  const undeployed: LaunchRequest[] = [];
  const fresh = new Map<string, SeenRequest[]>();
  for (const one of seen) {
    const { request, item } = one;
    const wanted = isWanted(request, item);
    if (!wanted) settled.push(one);
    const group = wanted || mayHaveSurplus(request, item) ? item?.launchGroup : undefined;
    if (group && mayBeFinished(group, context.now)) begun.set(group.id, group);
    else if (!wanted) continue;
    else if (!context.sourceOf(request.profile)) undeployed.push(request);
    else {
      const key = JSON.stringify([request.profile, isOnDemandOnly(one)]);
      fresh.set(key, [...(fresh.get(key) ?? []), one]);
      if (group) expired.set(group.id, group);
    }
  }
  return {
    settled,
    begun: [...begun.values()],
    expired: [...expired.values()],
    fresh: [...fresh.values()].map((some) => groupOf(some, context)),
    undeployed,
  };
}

/** A request is settled once its job has an instance, has ended, or has another attempt. */
function isWanted(request: LaunchRequest, item: RunnerItem | null): boolean {
  return item?.state === 'REGISTERED' && item.attempt === request.attempt;
}

/** The job ended before it was given an instance; if its group was launched, there is one that nobody else knows of. */
export function mayHaveSurplus(request: LaunchRequest, item: RunnerItem | null): boolean {
  if (item?.attempt !== request.attempt || item.instanceId !== undefined) return false;
  return (
    ['STOPPING', 'RELEASED', 'FAILED'].includes(item.state) || (item.state === 'WAITING' && item.attemptBegun === true)
  );
}

/**
 * Its hosts surely wait for their tickets, under names of their own: a group of an older version does not say those.
 */
function mayBeFinished({ begunAt, source }: LaunchGroup, now: number): boolean {
  const { hostRoleId }: Partial<LaunchSource> = source;
  return hostRoleId !== undefined && now - Date.parse(begunAt) < groupLifeSeconds * 1_000;
}

function isOnDemandOnly({ request, item }: SeenRequest): boolean {
  return request.onDemandOnly === true || item?.onDemandOnly === true;
}

/** One group of requests of the same kind; a job whose message came twice is in it once. */
function groupOf(requests: readonly SeenRequest[], { newGroupId, sourceOf, now }: PlanContext): FreshGroup {
  const byJob = new Map(requests.map((one) => [jobKeyOf(one.request), one] as const));
  const sorted = [...byJob].sort(([a], [b]) => (a < b ? -1 : 1));
  const [[, first]] = sorted as [[JobKey, SeenRequest]];
  const { profile } = first.request;
  const source = sourceOf(profile) as LaunchSource;
  return {
    group: {
      id: newGroupId(),
      jobs: sorted.map(([job]) => job),
      profile,
      begunAt: new Date(now).toISOString(),
      source: isOnDemandOnly(first) ? { ...source, onDemand: 'always' } : source,
      ...(sorted.length === 1 && first.item ? { jobTags: jobTagsOf(first.item.event) } : {}),
    },
    members: sorted.map(([job, { request, item }]) => ({ job, attempt: request.attempt, over: item?.launchGroup })),
  };
}

/**
 * CreateFleet's idempotency token (at most 64 ASCII characters): the same group with the same parameters is the same
 * launch; on-demand after spot, or other parameters, is another one. Source:
 * https://docs.aws.amazon.com/ec2/latest/devguide/ec2-api-idempotency.html
 */
export function clientTokenOf(deployment: string, group: LaunchGroup, lifecycle: string, parameters: unknown): string {
  const text = [deployment, group.id, group.jobs.join(), lifecycle, canonicalJson(parameters)].join('\n');
  return createHash('sha256').update(text).digest('hex').slice(0, 64);
}

/** What was read back from a table has its keys in another order. */
function canonicalJson(value: unknown): string {
  return JSON.stringify(value, (_key, content: unknown) =>
    typeof content === 'object' && content !== null && !Array.isArray(content)
      ? Object.fromEntries(Object.entries(content).sort(([a], [b]) => (a < b ? -1 : 1)))
      : content,
  );
}

/**
 * Which instance is which job's: by order in both lists, so that every delivery of a group's messages gives the same
 * pairs.
 */
export function pairInstances(group: LaunchGroup, instanceIds: readonly string[]) {
  const pairs = group.jobs
    .slice(0, instanceIds.length)
    .map((job, index) => ({ job, instanceId: instanceIds[index] ?? '' }));
  return { pairs, unserved: group.jobs.slice(instanceIds.length), surplus: instanceIds.slice(group.jobs.length) };
}
