import type { ListedJob } from '../../infrastructure/gitlab/gitlab-listings.ts';
import { defaultExactSeconds } from '../../infrastructure/kit/exactness.ts';
import { type JobKey, jobKeyOf } from '../../infrastructure/kit/job-key.ts';
import { waitsForRegistration } from '../demand/registration.ts';
import { attemptOf, type GateItem, type WrittenTurn } from '../runner-store/gate-item.ts';
import { isHeld, mayBePaused, notItsTurn, waitsForTurn } from '../runner-store/held.ts';
import type { RunnerItem } from '../runner-store/runner-item.ts';
import { traitsOf } from '../runner-types/runner-types.ts';
import type { GatedRunner, LineJob } from './gate-line.ts';

/** A launch that brought no host for so long has no capacity: its job is not being started. */
const launchSeconds = 90;

/** Stands among the counters of caps for the runners that GitLab lets a project have. */
const registrations = 'gitlab#registrations';

/** What is known of a project's line. Times are milliseconds since 1970. */
export type GateLook = {
  readonly projectId: number;
  readonly gate: GateItem;
  /** Items of the project's live runners and jobs that are not over. */
  readonly items: readonly RunnerItem[];
  /** Those that are written down, as they are now. */
  readonly written: readonly (RunnerItem | null)[];
  /** GitLab's pending jobs; null where only our own table was asked. */
  readonly listed: readonly ListedJob[] | null;
  /** Whose runner a job is to have of which there is no item; null for one that is left to others. */
  readonly profileOf: (job: ListedJob, isProtected: boolean) => string | null;
  /** Branches and tags of which GitLab was asked whether they are protected. */
  readonly protection?: ReadonlyMap<string, boolean>;
  /** Runners that were seen to have claimed their tickets. */
  readonly claimed: ReadonlySet<JobKey>;
  /** Those of which this look has paused the runner, and seen that it has no job; with the mark of that. */
  readonly paused: ReadonlyMap<JobKey, string>;
  readonly now: number;
};

export type GateView = {
  readonly jobs: readonly LineJob[];
  readonly runners: readonly GatedRunner[];
  /** Jobs that were in the way, and of which our table does not know whether they still are. */
  readonly unseen: readonly number[];
};

/** The line and the runners of a project, put together from the table and, where it was asked, from GitLab. */
export function viewOf(look: GateLook): GateView {
  const { items, gate, written, listed, projectId } = look;
  const byKey = new Map(items.map((item) => [item.pk, item]));
  for (const item of written) if (item) byKey.set(item.pk, item);
  const all = [...byKey.values()];
  const isOver = new Set([
    ...all.filter(({ jobState }) => jobState !== 'PENDING').map(({ pk }) => pk),
    ...all.flatMap(({ takenJob }) => takenJob ?? []),
  ]);
  const open = gate.turns.flatMap((turn) => openRunner(turn, byKey.get(turn.runnerOf)));
  const jobs = new Map<number, LineJob>();
  const known = protectionOf(all, look);
  const ownJob = (item: RunnerItem) => ownJobOf(item, look.now, known);
  if (listed)
    for (const job of listed) jobs.set(job.id, lineJobOf(job, byKey.get(keyOf(projectId, job.id)), look, known));
  else for (const item of all) if (item.jobState === 'PENDING') jobs.set(item.event.jobId, ownJob(item));
  // Whoever may ask may have got it already; as long as nobody knows, it may also ask yet.
  for (const { item, jobId } of open) {
    const own = byKey.get(keyOf(projectId, jobId));
    if (!jobs.has(jobId)) jobs.set(jobId, own ? ownJob(own) : bareJobOf(item, jobId));
  }
  for (const id of [...jobs.keys()]) if (isOver.has(keyOf(projectId, id))) jobs.delete(id);
  const isOpen = new Set(open.map(({ item }) => item.pk));
  const held = all.filter((item) => item.gated && !isOpen.has(item.pk) && mayGo(item));
  const tagsOf = tagsOfRunners(all);
  const noted = Object.keys(gate.stuck).map(Number);
  return {
    jobs: [...jobs.values()],
    unseen: listed ? [] : noted.filter((id) => !byKey.has(keyOf(projectId, id))),
    runners: [
      ...open.map(({ item, jobId }) => runnerOf(item, jobId, tagsOf(item), look)),
      ...held.map((item) => runnerOf(item, null, tagsOf(item), look)),
    ],
  };
}

/** As long as the runner may ask, and nobody knows which job it got. */
function openRunner({ runnerOf: key, attempt, jobId }: WrittenTurn, item: RunnerItem | undefined) {
  if (item?.pk !== key || attemptOf(item) !== attempt || item.turnAt === undefined || item.takenJob !== undefined)
    return [];
  return ['WAITING', 'ADMITTED', 'REGISTERED', 'LAUNCHED'].includes(item.state) ? [{ item, jobId }] : [];
}

function mayGo(item: RunnerItem): boolean {
  // A mark without a word in the gate is of a decision before, whose end was not heard: it is made anew.
  const { turnAt: _, ...unmarked } = item;
  // A runner whose own job has run elsewhere is there for the job that lost its own.
  if (isToBeGivenUp(item)) return false;
  return isHeld(unmarked) || (waitsForTurn(item) && item.jobState !== 'FINISHED');
}

/** A function that was started and is held all the same: it waits for seconds, and is not kept for its turn. */
export function isToBeGivenUp(item: RunnerItem): boolean {
  return traitsOf(item).launch === 'invoked' && isHeld(item);
}

/**
 * The tags of an item's runner: those of the job that it was made for. A long-lived one has those of all jobs that were
 * found to fit it, which is what we know of it here, so that a host may go that stands for another's job.
 */
function tagsOfRunners(items: readonly RunnerItem[]): (item: RunnerItem) => readonly string[] {
  const byManager = Map.groupBy(items, ({ managerOf }) => managerOf);
  return ({ tags, managerOf }) => {
    // With a tag it would be none for jobs without any.
    if (managerOf === undefined || tags.length === 0) return tags;
    return [...new Set((byManager.get(managerOf) ?? []).flatMap((item) => item.tags))];
  };
}

function runnerOf(item: RunnerItem, turn: number | null, tags: readonly string[], look: GateLook): GatedRunner {
  const { now } = look;
  const { exact = defaultExactSeconds } = item;
  const isAdmitted = item.state !== 'WAITING';
  const asksByItself = traitsOf(item).launch === 'invoked' && item.runnerId !== undefined && isAdmitted;
  return {
    key: item.pk,
    jobId: item.event.jobId,
    profile: item.profile,
    tags,
    isForProtected: item.accessLevel !== undefined,
    exact: exact === 'off' ? 0 : exact,
    isReady: item.state === 'LAUNCHED',
    isStuck: isWithoutCapacity(item, now),
    turn,
    canBeHeld: isPaused(item, look) || (!look.claimed.has(item.pk) && !asksByItself),
    places: isAdmitted ? placesOf(item) : [],
  };
}

function placesOf({ caps, runnerId }: RunnerItem): readonly string[] {
  return [...caps.map(({ counter }) => counter), ...(runnerId === undefined ? [] : [registrations])];
}

function wantedPlacesOf(item: RunnerItem): readonly string[] {
  if (waitsForRegistration(item)) return [registrations];
  return item.state === 'WAITING' && !item.waitsFor ? item.caps.map(({ counter }) => counter) : [];
}

/** Whatever a look before this one did may have been undone since. */
export function isPaused(item: RunnerItem, { paused }: Pick<GateLook, 'paused'>): boolean {
  return mayBePaused(item) && paused.get(item.pk) === item.pausedAt;
}

/** Whether branches and tags are protected, as far as anybody has asked: jobs of one ref are alike in this. */
type Protection = ReadonlyMap<string, boolean>;

function protectionOf(items: readonly RunnerItem[], { protection }: Pick<GateLook, 'protection'>): Protection {
  const told = items.flatMap(({ event, isProtected }) =>
    isProtected === undefined ? [] : [[event.ref, isProtected] as const],
  );
  return new Map([...told, ...(protection ?? [])]);
}

function lineJobOf(job: ListedJob, own: RunnerItem | undefined, look: GateLook, known: Protection): LineJob {
  // An item without a profile is of a job for which nothing could be chosen yet.
  if (own?.profile) return ownJobOf(own, look.now, known);
  const { id, tags, ref } = job;
  const isProtected = known.get(ref);
  const unsure = { ref, profileIfProtected: look.profileOf(job, true) };
  return {
    ...{ id, tags, profile: look.profileOf(job, isProtected === true), isComing: false, waitsSince: null },
    ...{ wantsPlaces: [], isProtected: isProtected === true },
    ...(isProtected === undefined ? { unsure } : {}),
  };
}

function ownJobOf(item: RunnerItem, now: number, known: Protection): LineJob {
  const { event, tags, profile, accessLevel } = item;
  const isProtected = accessLevel === undefined ? (item.isProtected ?? known.get(event.ref)) : true;
  return {
    ...{ isProtected: isProtected === true },
    ...(isProtected === undefined ? { unsure: { ref: event.ref, profileIfProtected: profile } } : {}),
    id: event.jobId,
    tags,
    profile,
    isComing: isBeingStarted(item, now),
    waitsSince: Date.parse(event.occurredAt),
    wantsPlaces: wantedPlacesOf(item),
  };
}

function bareJobOf({ tags, profile, accessLevel }: RunnerItem, id: number): LineJob {
  const isProtected = accessLevel !== undefined;
  return { id, tags, profile, isComing: true, waitsSince: null, wantsPlaces: [], isProtected };
}

function isBeingStarted(item: RunnerItem, now: number): boolean {
  if (waitsForTurn(item)) return true;
  // What was in the way of its last attempt may be in the way of this one: until it is launched, nobody starts it.
  if (item.waitsFor && item.waitsFor.error !== notItsTurn && item.state !== 'LAUNCHED') return false;
  if (!['ADMITTED', 'REGISTERED', 'LAUNCHED'].includes(item.state) || item.takenJob !== undefined) return false;
  return !isWithoutCapacity(item, now);
}

function isWithoutCapacity({ type, state, registeredAt, launchTriedAt }: RunnerItem, now: number): boolean {
  if (traitsOf({ type }).launch !== 'requested' || state !== 'REGISTERED' || !registeredAt || !launchTriedAt)
    return false;
  return now - Date.parse(registeredAt) > launchSeconds * 1_000;
}

function keyOf(projectId: number, jobId: number): JobKey {
  return jobKeyOf({ projectId, jobId });
}
