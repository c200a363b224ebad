import type { JobEvent } from '../../infrastructure/lib/job-event.ts';
import { type JobKey, jobKeyOf } from '../../infrastructure/lib/job-key.ts';
import type { RunnerItem } from './runner-item.ts';

/** A runner that is to end, and why. */
export type PlannedStop = { readonly item: RunnerItem; readonly reason: string };

export type SeenRunners = {
  /** The item of the job that finished. */
  readonly own: RunnerItem | null;
  /** The item whose runner GitLab names in the event. */
  readonly byRunner: RunnerItem | null;
  /** Live items; may be a moment old. */
  readonly live: readonly RunnerItem[];
};

/**
 * Which runners end when a job is over. GitLab hands a job to any runner that fits, so that a job's own runner may be idle or busy
 * with another job when the job ends: demand is counted against runners, and a runner is stopped only when it took this job, or
 * is idle and no waiting job needs it. The drain that follows looks once more in GitLab before anything is removed.
 */
export function planStops(event: JobEvent, { own, byRunner, live }: SeenRunners): PlannedStop[] {
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
  const seen: RunnerItem[] = own ? [...others, { ...own, jobState: 'FINISHED' }] : others;
  const spares = seen.filter((item) => isSpare(item) && !stops.has(item.pk));
  for (const item of matchSpares(spares, seen.filter(isStarved)).unneeded)
    stop(item, 'idle, and no waiting job needs it');
  return [...stops.values()];
}

/**
 * The jobs that wait although their own runner took another job or ended, and for which no idle runner is left over: each needs another
 * runner.
 */
export function jobsWithoutRunner(live: readonly RunnerItem[]): readonly RunnerItem[] {
  const ended = live.filter((item) => item.jobState === 'PENDING' && item.state === 'RELEASED');
  return matchSpares(live.filter(isSpare), ended).unserved;
}

/** Runners without a job that no waiting job needs. */
export function idleBeyondDemand(live: readonly RunnerItem[]): readonly RunnerItem[] {
  return matchSpares(live.filter(isSpare), live.filter(isStarved)).unneeded;
}

/** Says whether the item's runner may exist in GitLab or on AWS. */
export function hasRunner(item: RunnerItem): boolean {
  return ['REGISTERED', 'LAUNCHED', 'RUNNING', 'STOPPING'].includes(item.state);
}

/** A runner, or one that is on its way, which has no job and whose own job needs none any more. */
function isSpare(item: RunnerItem): boolean {
  const isIdle = ['ADMITTED', 'REGISTERED', 'LAUNCHED'].includes(item.state) && !item.takenJob;
  return isIdle && item.jobState !== 'PENDING';
}

/** A job that waits although its own runner took another job. */
function isStarved(item: RunnerItem): boolean {
  const servesAnother = item.takenJob !== undefined && item.takenJob !== item.pk;
  return item.jobState === 'PENDING' && (item.state === 'RELEASED' || servesAnother);
}

/** Gives as many starved jobs as possible a spare runner that can run them, the oldest runners first. */
function matchSpares(spares: readonly RunnerItem[], starved: readonly RunnerItem[]) {
  const oldestFirst = [...spares].sort((a, b) => (a.admittedAt < b.admittedAt ? -1 : 1));
  const jobOf = new Map<RunnerItem, RunnerItem>();
  const serve = (job: RunnerItem, tried: Set<RunnerItem>): boolean =>
    oldestFirst.some((runner) => {
      if (tried.has(runner) || !canRun(runner, job)) return false;
      tried.add(runner);
      const rival = jobOf.get(runner);
      // Whoever has the runner may do with another one: https://en.wikipedia.org/wiki/Augmenting_path
      if (rival && !serve(rival, tried)) return false;
      jobOf.set(runner, job);
      return true;
    });
  const unserved = starved.filter((job) => !serve(job, new Set()));
  return { unneeded: oldestFirst.filter((runner) => !jobOf.has(runner)), unserved };
}

/**
 * A runner made for a job belongs to its project and has exactly its tags. A host of a long-lived runner can run what was found to fit that
 * runner when it was asked for, which is all that we know of other jobs.
 */
function canRun(runner: RunnerItem, job: RunnerItem): boolean {
  if (runner.managerOf !== undefined) return runner.managerOf === job.managerOf;
  if (runner.event.projectId !== job.event.projectId) return false;
  if (job.tags.length === 0) return runner.tags.length === 0;
  return job.tags.every((tag) => runner.tags.includes(tag));
}
