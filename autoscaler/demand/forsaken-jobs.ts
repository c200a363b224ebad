import type { JobEvent } from '../../infrastructure/kit/job-event.ts';
import { type JobKey, jobKeyOf, parseJobKey } from '../../infrastructure/kit/job-key.ts';
import type { RunnerItem } from '../runner-store/runner-item.ts';
import { demandOf, isAlone, isStarved, whoLacks } from './demand.ts';

/** A job that waits, whose runner serves another job or has ended, and for which no idle runner is left over. */
export type ForsakenJob = {
  readonly item: RunnerItem;
  /**
   * The event that asks for its next runner: its own once its runner has ended, and until then that of a job that runs
   * on somebody else's runner and has itself none: the stand-in is made under that one's item.
   */
  readonly ask: JobEvent | null;
  /** An idle runner that nobody needs, and whose item has room for a stand-in once it has ended. */
  readonly inTheWay: RunnerItem | null;
};

/** Who comes first, or last, where there is not enough for all. */
type Order = {
  /** Starved jobs that get an idle runner after all others. */
  readonly last?: (item: RunnerItem) => boolean;
  /** Job whose room is given away first. */
  readonly firstRoom?: JobKey;
  /** Job that gets the first room. */
  readonly first?: JobKey;
};

/** The jobs that need another runner each. */
export function forsakenJobs(live: readonly RunnerItem[], { last, firstRoom, first }: Order = {}): ForsakenJob[] {
  const { unserved, unneeded } = demandOf(live, last);
  const rooms = unserved.every(isAlone) ? new Map<string, Rooms>() : findRooms(live, new Set(unneeded), firstRoom);
  const inTurn = [...unserved.filter(({ pk }) => pk === first), ...unserved.filter(({ pk }) => pk !== first)];
  return inTurn.map((item) => {
    if (isAlone(item)) return { item, ask: item.event, inTheWay: null };
    const there = rooms.get(placeOf(item));
    const ask = there?.asks.shift() ?? null;
    return { item, ask, inTheWay: (ask ? null : there?.inTheWay.shift()) ?? null };
  });
}

/**
 * The forsaken job whose next runner is asked for with an event of the given job; null when nobody waits in this way.
 * Who counts on an idle runner keeps it: only for this one somebody asks right now.
 */
export function forsakenAt(job: JobKey, live: readonly RunnerItem[]): ForsakenJob | null {
  const asksItself = live.some((item) => item.pk === job && isStarved(item) && isAlone(item));
  const last = (item: RunnerItem) => (asksItself ? item.pk === job : !isAlone(item));
  const all = forsakenJobs(live, { last, firstRoom: job });
  return all.find(({ ask }) => ask !== null && jobKeyOf(ask) === job) ?? null;
}

/**
 * The job that counted on a runner which is idle no more, since it took a job or ended: one at most. `changed`: the
 * runner's item as it is now; `live` may still show it as it was.
 */
export function forsakenBy(changed: RunnerItem, live: readonly RunnerItem[]): ForsakenJob | null {
  const now = [...live.filter(({ pk }) => pk !== changed.pk), changed];
  const first = whoLacks(changed, now)?.pk;
  return first === undefined ? null : (forsakenJobs(now, { first }).find(({ item }) => item.pk === first) ?? null);
}

/** Items of one place with room for a stand-in, now or once their idle runner has ended. */
type Rooms = { readonly asks: JobEvent[]; readonly inTheWay: RunnerItem[] };

/**
 * An item has one runner at a time. Each runner that took somebody else's job leaves one item without work for its own
 * runner: as many as there are jobs that wait for a runner that is busy.
 */
function findRooms(live: readonly RunnerItem[], unneeded: ReadonlySet<RunnerItem>, firstRoom: JobKey | undefined) {
  const items = new Map(live.map((item) => [item.pk, item]));
  const rooms = new Map<string, Rooms>();
  for (const runner of live) {
    const { takenJob, state } = runner;
    if (state !== 'RUNNING' || takenJob === undefined || takenJob === runner.pk) continue;
    const own = items.get(takenJob);
    if (own?.jobState === 'FINISHED') continue;
    const there = rooms.get(placeOf(runner)) ?? { asks: [], inTheWay: [] };
    rooms.set(placeOf(runner), there);
    if (!own || ['WAITING', 'RELEASED', 'FAILED'].includes(own.state)) {
      if (takenJob === firstRoom) there.asks.unshift(eventOf(takenJob, runner, own));
      else there.asks.push(eventOf(takenJob, runner, own));
    } else if (unneeded.has(own)) there.inTheWay.push(own);
  }
  return rooms;
}

/** Within what GitLab hands a runner's jobs out. */
function placeOf({ managerOf, event }: RunnerItem): string {
  return managerOf === undefined ? `project ${event.projectId}` : `runner ${managerOf}`;
}

/** As its hook would have told it; of a job of which there is no item we know no more than its number. */
function eventOf(job: JobKey, runner: RunnerItem, own: RunnerItem | undefined): JobEvent {
  const known = own?.event ?? { ...runner.event, ...parseJobKey(job), jobName: '' };
  return { ...known, status: 'running', runnerId: runner.runnerId ?? runner.managerOf ?? null };
}
