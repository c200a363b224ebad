import { defaultExactSeconds } from '../../infrastructure/lib/exactness.ts';
import type { ListedJob } from '../../infrastructure/lib/gitlab-listings.ts';
import { type JobKey, jobKeyOf } from '../../infrastructure/lib/job-key.ts';
import type { RunnerItem } from '../runners/runner-item.ts';
import { attemptOf, type GateItem, type WrittenTurn } from './gate-item.ts';
import type { GatedRunner, LineJob } from './gate-line.ts';
import { isHeld, notItsTurn, waitsForTurn } from './held.ts';

/** A launch that brought no host for so long has no capacity: its job is not being started. */
const launchSeconds = 90;

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
  readonly profileOf: (job: ListedJob) => string | null;
  /** Runners that were seen to have claimed their tickets. */
  readonly claimed: ReadonlySet<JobKey>;
  readonly now: number;
};

export type GateView = { readonly jobs: readonly LineJob[]; readonly runners: readonly GatedRunner[] };

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
  if (listed) for (const job of listed) jobs.set(job.id, lineJobOf(job, byKey.get(keyOf(projectId, job.id)), look));
  else for (const item of all) if (item.jobState === 'PENDING') jobs.set(item.event.jobId, ownJobOf(item, look.now));
  // Whoever may ask may have got it already; as long as nobody knows, it may also ask yet.
  for (const { item, jobId } of open) {
    const own = byKey.get(keyOf(projectId, jobId));
    if (!jobs.has(jobId)) jobs.set(jobId, own ? ownJobOf(own, look.now) : bareJobOf(item, jobId));
  }
  for (const id of [...jobs.keys()]) if (isOver.has(keyOf(projectId, id))) jobs.delete(id);
  const isOpen = new Set(open.map(({ item }) => item.pk));
  const held = all.filter((item) => item.gated && !isOpen.has(item.pk) && mayGo(item));
  return {
    jobs: [...jobs.values()],
    runners: [
      ...open.map(({ item, jobId }) => runnerOf(item, jobId, look)),
      ...held.map((item) => runnerOf(item, null, look)),
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
  return isHeld(unmarked) || (waitsForTurn(item) && item.jobState !== 'FINISHED');
}

function runnerOf(item: RunnerItem, turn: number | null, { claimed, now }: GateLook): GatedRunner {
  const { exact = defaultExactSeconds } = item;
  const isAdmitted = item.state !== 'WAITING';
  return {
    key: item.pk,
    jobId: item.event.jobId,
    profile: item.profile,
    tags: item.tags,
    exact: exact === 'off' ? 0 : exact,
    isReady: item.state === 'LAUNCHED',
    isStuck: isWithoutCapacity(item, now),
    turn,
    canBeHeld: !claimed.has(item.pk) && (item.type === 'EC2' || !isAdmitted),
    places: isAdmitted ? item.caps.map(({ counter }) => counter) : [],
  };
}

function lineJobOf(job: ListedJob, own: RunnerItem | undefined, look: GateLook): LineJob {
  // An item without a profile is of a job for which nothing could be chosen yet.
  if (own?.profile) return ownJobOf(own, look.now);
  const { id, tags } = job;
  return { id, tags, profile: look.profileOf(job), isComing: false, waitsSince: null, wantsPlaces: [] };
}

function ownJobOf(item: RunnerItem, now: number): LineJob {
  const { event, tags, profile, state, waitsFor, caps } = item;
  const waitsForPlace = state === 'WAITING' && !waitsFor;
  return {
    id: event.jobId,
    tags,
    profile,
    isComing: isBeingStarted(item, now),
    waitsSince: Date.parse(event.occurredAt),
    wantsPlaces: waitsForPlace ? caps.map(({ counter }) => counter) : [],
  };
}

function bareJobOf({ tags, profile }: RunnerItem, id: number): LineJob {
  return { id, tags, profile, isComing: true, waitsSince: null, wantsPlaces: [] };
}

function isBeingStarted(item: RunnerItem, now: number): boolean {
  if (waitsForTurn(item)) return true;
  // What was in the way of its last attempt may be in the way of this one: until it is launched, nobody starts it.
  if (item.waitsFor && item.waitsFor.error !== notItsTurn && item.state !== 'LAUNCHED') return false;
  if (!['ADMITTED', 'REGISTERED', 'LAUNCHED'].includes(item.state) || item.takenJob !== undefined) return false;
  return !isWithoutCapacity(item, now);
}

function isWithoutCapacity({ type, state, registeredAt, launchTriedAt }: RunnerItem, now: number): boolean {
  if (type !== 'EC2' || state !== 'REGISTERED' || !registeredAt || !launchTriedAt) return false;
  return now - Date.parse(registeredAt) > launchSeconds * 1_000;
}

function keyOf(projectId: number, jobId: number): JobKey {
  return jobKeyOf({ projectId, jobId });
}
