import type { Hold, StuckJobs } from '../runner-store/gate-item.ts';
import type { GatedRunner, LineJob } from './gate-line.ts';
import { createKinds } from './runner-kinds.ts';

export type SeenLine = {
  readonly jobs: readonly LineJob[];
  readonly runners: readonly GatedRunner[];
  readonly stuck: StuckJobs;
  /** Of those in `stuck`, jobs of which this look cannot tell whether they still wait: only GitLab knows them. */
  readonly unseen?: readonly number[];
};

/**
 * A runner that may ask from now on, the job that is written down for it, and an earlier one for which it waits no
 * more.
 */
export type Turn = { readonly key: string; readonly jobId: number; readonly passes: number | null };

export type Turns = {
  readonly go: readonly Turn[];
  /** Runners that might ask, and may not any more. */
  readonly hold: readonly string[];
  /** Runners that hold their token, and are out of turn: they are to be paused before anybody else is let go. */
  readonly outOfTurn: readonly string[];
  /** The job that is written down for each runner that may ask then. */
  readonly turns: Readonly<Record<string, number>>;
  readonly stuck: StuckJobs;
  readonly holds: readonly Hold[];
  /** Held runners that keep an earlier job from a place. */
  readonly givePlaceBack: readonly string[];
  /** Branches and tags: whether they are protected may change who may ask, and is not known. */
  readonly unsureRefs: readonly string[];
};

/**
 * Which runners of a project may ask GitLab for a job. A runner that asks gets the first job of the line that fits it,
 * so that it may ask as long as, in whatever order the runners that may ask do so, each finds a job of its own profile
 * there: the unbroken run of first jobs of its profile that fit it is at least as long as there are runners that may
 * ask and that fit any of them. `now`: milliseconds since 1970.
 */
export function decideTurns(seen: SeenLine, now: number): Turns {
  const line = [...seen.jobs].sort((a, b) => a.id - b.id);
  const kinds = createKinds(line, seen.runners, seen.stuck, now);
  const open = seen.runners.filter(({ turn }) => turn !== null);
  for (const runner of open) kinds.of(runner).open += 1;
  const hold = holdBack(open, kinds);
  const held = seen.runners.filter(({ turn }) => turn === null);
  const stayOpen = open.filter(({ key }) => !hold.includes(key));
  const out = outOfTurn(stayOpen, kinds);
  const turns = writtenDown(stayOpen, kinds);
  const go = letGo(held, line, kinds, new Set(Object.values(turns)));
  for (const { key, jobId } of go) turns[key] = jobId;
  // Those that are held from now on wait as those that were.
  const waiting = seen.runners.filter(({ key }) => turns[key] === undefined);
  const holds = holdsOf(waiting, kinds, seen.stuck, now);
  return {
    go,
    hold,
    outOfTurn: out,
    turns,
    stuck: stuckOf(line, waiting, kinds, seen, now),
    holds,
    givePlaceBack: placesToGiveBack(line, waiting),
    unsureRefs: unsureRefsOf(kinds),
  };
}

type Kinds = ReturnType<typeof createKinds>;

/** Those whose job comes last are held first; whoever holds its token cannot be. */
function holdBack(open: readonly GatedRunner[], kinds: Kinds): readonly string[] {
  const hold: string[] = [];
  for (const runner of lastFirst(open)) {
    const kind = kinds.of(runner);
    if (!runner.canBeHeld || (kinds.isSafe(kind) && !runner.isStuck)) continue;
    kind.open -= 1;
    hold.push(runner.key);
  }
  return hold;
}

function lastFirst(open: readonly GatedRunner[]): readonly GatedRunner[] {
  return [...open].sort((a, b) => (b.turn ?? 0) - (a.turn ?? 0) || (a.isReady ? 1 : 0) - (b.isReady ? 1 : 0));
}

/** As many as would have to be held. They count as runners that may ask all the same. */
function outOfTurn(open: readonly GatedRunner[], kinds: Kinds): readonly string[] {
  const out: GatedRunner[] = [];
  for (const runner of lastFirst(open)) {
    const kind = kinds.of(runner);
    if (runner.canBeHeld || kinds.isSafe(kind)) continue;
    kind.open -= 1;
    out.push(runner);
  }
  for (const runner of out) kinds.of(runner).open += 1;
  return out.map(({ key }) => key);
}

/** Each keeps the job that was written down for it; one whose job is gone from the line has the next of its run. */
function writtenDown(open: readonly GatedRunner[], kinds: Kinds): Record<string, number> {
  const turns: Record<string, number> = {};
  const taken = new Set<number>();
  const keep = ({ key }: GatedRunner, jobId: number) => {
    turns[key] = jobId;
    taken.add(jobId);
  };
  const isOwn = (runner: GatedRunner) => kinds.of(runner).run.some(({ id }) => id === runner.turn);
  for (const runner of open) if (isOwn(runner)) keep(runner, runner.turn as number);
  for (const runner of open) {
    if (isOwn(runner)) continue;
    const next = kinds.of(runner).run.find(({ id }) => !taken.has(id));
    keep(runner, next?.id ?? (runner.turn as number));
  }
  return turns;
}

/**
 * One runner for each job that nobody else has, in the order of the line; of the runners that fit it one with the
 * fewest tags, since the others can take jobs that this one cannot. Where that one must wait, so do all that would take
 * its job.
 */
function letGo(held: readonly GatedRunner[], line: readonly LineJob[], kinds: Kinds, written: Set<number>) {
  const go: Turn[] = [];
  let left = kinds.groupsOf(held.filter(({ isStuck }) => !isStuck));
  for (const job of line) {
    if (written.has(job.id)) continue;
    const fitting = left.filter(({ kind, runners }) => runners.length > 0 && kind.run.includes(job));
    const fewestTags = Math.min(...fitting.map(({ kind }) => kind.tags.length));
    const [next] = fitting
      .filter(({ kind }) => kind.tags.length === fewestTags && kinds.mayOpen(kind))
      .flatMap((group) => firstOf(group.runners, job.id).map((runner) => ({ group, runner })))
      .sort((a, b) => precedence(a.runner, b.runner, job.id));
    if (next) {
      next.group.runners.splice(next.group.runners.indexOf(next.runner), 1);
      next.group.kind.open += 1;
      const [passed] = next.group.kind.passed;
      go.push({ key: next.runner.key, jobId: job.id, passes: passed && passed.id < job.id ? passed.id : null });
    } else left = left.filter((group) => !fitting.includes(group));
  }
  return go;
}

/** Of runners that are alike: whose host is there goes first, and then the job's own. */
function firstOf(runners: readonly GatedRunner[], jobId: number): readonly GatedRunner[] {
  const [first] = runners;
  const own = runners.find((runner) => runner.jobId === jobId && runner.isReady === first?.isReady);
  return runners.filter((runner) => runner === (own ?? first));
}

function precedence(a: GatedRunner, b: GatedRunner, jobId: number): number {
  const rank = (runner: GatedRunner) => (runner.isReady ? 0 : 2) + (runner.jobId === jobId ? 0 : 1);
  return rank(a) - rank(b) || a.jobId - b.jobId;
}

function holdsOf(waiting: readonly GatedRunner[], kinds: Kinds, stuck: StuckJobs, now: number): Hold[] {
  return kinds.groupsOf(waiting).flatMap(({ kind }) => {
    const [head] = kind.line;
    if (!head) return [];
    // Those of its own kind that may ask have its run, if nothing else is in the way.
    const first = kind.run.length > kind.open ? head : (kind.line[kind.run.length] ?? head);
    const { profile, tags } = kind;
    const stuckSince = first.isComing || first.profile === profile ? null : (stuck[first.id] ?? now);
    return [{ profile, tags, behind: first.id, of: first.profile, stuckSince }];
  });
}

/** In one project at the same time; each stands in the gate's item. */
const mostStuck = 200;

/**
 * Every earlier job for which a runner is held, and that nobody starts: their times go on side by side. What was noted
 * stays noted as long as it holds, also of jobs that everybody has passed.
 */
function stuckOf(
  line: readonly LineJob[],
  waiting: readonly GatedRunner[],
  kinds: Kinds,
  { stuck: before, unseen = [] }: SeenLine,
  now: number,
): StuckJobs {
  const inTheWay = new Set(kinds.groupsOf(waiting).flatMap(({ kind }) => kind.before));
  const stuck = line.filter((job) => !job.isComing && (before[job.id] !== undefined || inTheWay.has(job)));
  const ids = [...unseen, ...stuck.map(({ id }) => id)];
  return Object.fromEntries(ids.slice(0, mostStuck).map((id) => [id, before[id] ?? now]));
}

/** Of jobs that come before those that the runners that may ask are to get. */
function unsureRefsOf(kinds: Kinds): readonly string[] {
  const refs = kinds.all.flatMap(({ open, run, unsure }) => {
    const last = run.at(Math.min(open, run.length) - 1)?.id ?? 0;
    const inTheWay = open === 0 ? [] : unsure.filter(({ id }) => id <= last);
    return inTheWay.flatMap((job) => job.unsure?.ref ?? []);
  });
  return [...new Set(refs)];
}

/** For each job that waits for a place, the last one of the held runners that hold such a place and come after it. */
function placesToGiveBack(line: readonly LineJob[], waiting: readonly GatedRunner[]): readonly string[] {
  const back = new Set<string>();
  const lastFirst = [...waiting].sort((a, b) => b.jobId - a.jobId);
  for (const { id, wantsPlaces, profile } of line) {
    const inTheWay = lastFirst.find(
      (runner) =>
        runner.jobId > id &&
        runner.profile !== profile &&
        !back.has(runner.key) &&
        runner.places.some((counter) => wantsPlaces.includes(counter)),
    );
    if (inTheWay) back.add(inTheWay.key);
  }
  return [...back];
}
