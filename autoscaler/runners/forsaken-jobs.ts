import type { JobEvent } from '../../infrastructure/lib/job-event.ts';
import { type JobKey, jobKeyOf, parseJobKey } from '../../infrastructure/lib/job-key.ts';
import type { RunnerItem } from './runner-item.ts';
import { isSpare, isStarved, matchSpares } from './spare-runners.ts';

/** A job that waits, whose runner serves another job or has ended, and for which no idle runner is left over. */
export type ForsakenJob = {
  readonly item: RunnerItem;
  /**
   * The event that asks for its next runner: its own once its runner has ended, and until then that of the job that runs in its place and has
   * itself no runner, under whose item a stand-in is made.
   */
  readonly ask: JobEvent | null;
  /** The idle runner of the job that runs in its place: it cannot run this one, and nobody else needs it. */
  readonly inTheWay: RunnerItem | null;
};

/** The jobs that need another runner each. Of those for whom an idle runner would do, `last` has it last. */
export function forsakenJobs(
  live: readonly RunnerItem[],
  last: (item: RunnerItem) => boolean = () => false,
): readonly ForsakenJob[] {
  const starved = live.filter(isStarved);
  const inTurn = [...starved.filter((item) => !last(item)), ...starved.filter(last)];
  const { unserved, unneeded } = matchSpares(live.filter(isSpare), inTurn);
  return unserved.map((item) => {
    const { ask, idle } = whereItEnds(item, live);
    return { item, ask, inTheWay: idle && unneeded.includes(idle) ? idle : null };
  });
}

/** The forsaken job whose next runner is asked for with an event of the given job; null when nobody waits in this way. */
export function forsakenAt(job: JobKey, live: readonly RunnerItem[]): ForsakenJob | null {
  const isAskedFor = (ask: JobEvent | null) => ask !== null && jobKeyOf(ask) === job;
  // Who counts on an idle runner keeps it: only for this one somebody asks right now.
  const all = forsakenJobs(live, (item) => isAskedFor(whereItEnds(item, live).ask));
  return all.find(({ ask }) => isAskedFor(ask)) ?? null;
}

/**
 * The job that counted on a runner which is idle no more, since it took a job or ended: one at most. `changed`: the runner's item as it is now;
 * `live` may still show it as it was.
 */
export function forsakenBy(changed: RunnerItem, live: readonly RunnerItem[]): ForsakenJob | null {
  const others = live.filter(({ pk }) => pk !== changed.pk);
  const { takenJob: _, ...rest } = changed;
  const before = new Set(forsakenJobs([...others, { ...rest, state: 'LAUNCHED' }]).map(({ item }) => item.pk));
  return forsakenJobs([...others, changed]).find(({ item }) => !before.has(item.pk)) ?? null;
}

/**
 * Follows who runs in whose place: the job's runner took a second job, whose own runner may have taken a third, and so on to one that has no
 * runner of its own, or an idle one.
 */
function whereItEnds(starved: RunnerItem, live: readonly RunnerItem[]) {
  if (starved.state === 'RELEASED') return { ask: starved.event, idle: null };
  const passed = new Set<RunnerItem>();
  let runner = starved;
  while (runner.takenJob !== undefined && !passed.has(runner)) {
    passed.add(runner);
    const { takenJob } = runner;
    const own = live.find(({ pk }) => pk === takenJob);
    if (!own || ['WAITING', 'RELEASED', 'FAILED'].includes(own.state)) {
      return { ask: eventOf(takenJob, runner, own), idle: null };
    }
    runner = own;
  }
  return { ask: null, idle: runner.takenJob === undefined ? runner : null };
}

/** As its hook would have told it; of a job of which there is no item we know no more than its number. */
function eventOf(job: JobKey, runner: RunnerItem, own: RunnerItem | undefined): JobEvent {
  const known = own?.event ?? { ...runner.event, ...parseJobKey(job), jobName: '' };
  return { ...known, status: 'running', runnerId: runner.runnerId ?? runner.managerOf ?? null };
}
