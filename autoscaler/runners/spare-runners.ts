import type { RunnerItem } from './runner-item.ts';

/** Says whether the item's runner may exist in GitLab or on AWS. */
export function hasRunner(item: RunnerItem): boolean {
  return ['REGISTERED', 'LAUNCHED', 'RUNNING', 'STOPPING'].includes(item.state);
}

/** A runner, or one that is on its way, which has no job and whose own job needs none any more. */
export function isSpare(item: RunnerItem): boolean {
  const isIdle = ['ADMITTED', 'REGISTERED', 'LAUNCHED'].includes(item.state) && !item.takenJob;
  return isIdle && item.jobState !== 'PENDING';
}

/** A job that waits although its own runner took another job, or ended without any. One that its own runner had waits no more. */
export function isStarved({ jobState, state, takenJob, pk }: RunnerItem): boolean {
  return jobState === 'PENDING' && takenJob !== pk && (state === 'RELEASED' || takenJob !== undefined);
}

/** Runners without a job that no waiting job needs. */
export function idleBeyondDemand(live: readonly RunnerItem[]): readonly RunnerItem[] {
  return matchSpares(live.filter(isSpare), live.filter(isStarved)).unneeded;
}

/**
 * Gives as many starved jobs as possible a spare runner that can run them, the oldest runners first. Where they do not suffice, the jobs that
 * come first in `starved` have them.
 */
export function matchSpares(spares: readonly RunnerItem[], starved: readonly RunnerItem[]) {
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
