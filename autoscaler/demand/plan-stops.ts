import type { JobEvent } from '../../infrastructure/kit/job-event.ts';
import { type JobKey, jobKeyOf } from '../../infrastructure/kit/job-key.ts';
import type { RunnerItem } from '../runner-store/runner-item.ts';
import { demandOf, hasRunner, isSpare } from './demand.ts';

/** A runner that is to end, and why. */
export type PlannedStop = { readonly item: RunnerItem; readonly reason: string };

export type SeenRunners = {
  /** The item of the job that finished. */
  readonly own: RunnerItem | null;
  /** The item whose runner GitLab names in the event. */
  readonly byRunner: RunnerItem | null;
  /** Live items that share its jobs and runners; may be a moment old. */
  readonly live: readonly RunnerItem[];
  /** The job had a runner of its own kind, so that its end changes nothing for others: what idles is not looked at. */
  readonly wasServedAlike?: boolean;
};

/**
 * Which runners end when a job is over. GitLab hands a job to any runner that fits, so that a job's own runner may be
 * idle or busy with another job when the job ends: demand is counted against runners, and a runner is stopped only when
 * it took this job, or is idle and no waiting job needs it since this one is over. The drain that follows looks once
 * more in GitLab before anything is removed.
 */
export function planStops(event: JobEvent, { own, byRunner, live, wasServedAlike }: SeenRunners): PlannedStop[] {
  const job = jobKeyOf(event);
  const stops = new Map<JobKey, PlannedStop>();
  const stop = (item: RunnerItem, reason: string) => stops.set(item.pk, { item, reason });

  if (byRunner && hasRunner(byRunner) && (!byRunner.takenJob || byRunner.takenJob === job)) {
    stop(byRunner, 'the job that it took is over');
  }
  if (own?.takenJob === job && hasRunner(own)) stop(own, 'its job is over');
  if (own?.state === 'STOPPING') stop(own, 'its end was begun before');

  const others = live.filter((item) => item.pk !== own?.pk);
  // A host removes its runner when the job is over, often before GitLab writes the event, which then names no runner.
  for (const item of others) if (item.takenJob === job && hasRunner(item)) stop(item, 'the job that it took is over');
  if (wasServedAlike) return [...stops.values()];
  const counted = others.filter((item) => !(stops.has(item.pk) && isSpare(item)));
  const tookItself = own && stops.has(own.pk) && own.takenJob === undefined;
  for (const item of own && !tookItself ? newlyUnneeded(own, counted) : []) {
    if (!stops.has(item.pk)) stop(item, 'idle, and no waiting job needs it');
  }
  return [...stops.values()];
}

/**
 * Idle runners that a job would need, did it still wait. Whoever else is idle is so by another event, which answers for
 * it: of many jobs that end together each ends one runner.
 */
function newlyUnneeded(own: RunnerItem, others: readonly RunnerItem[]): readonly RunnerItem[] {
  const before = new Set(demandOf([...others, { ...own, jobState: 'PENDING' }]).unneeded.map(({ pk }) => pk));
  return demandOf([...others, { ...own, jobState: 'FINISHED' }]).unneeded.filter(({ pk }) => !before.has(pk));
}
