import { fits, fitsByTags, type GatedRunner, type LineJob } from './gate-line.ts';

/** Runners that are alike: GitLab would give any of them the same job, and they wait as long. */
export type Kind = {
  readonly profile: string;
  readonly tags: readonly string[];
  readonly isForProtected: boolean;
  /** The jobs that fit, in the order in which GitLab gives them away; without those that are passed. */
  readonly line: readonly LineJob[];
  /** The first of these, as long as they are the profile's own. */
  readonly run: readonly LineJob[];
  /** Those that fit and that nobody has started for so long that the kind waits for them no more. */
  readonly passed: readonly LineJob[];
  /** Jobs of others that fit and come before the last of its own. */
  readonly before: readonly LineJob[];
  /** Jobs that would fit, or be its own, or not, were their refs protected: nobody knows. */
  readonly unsure: readonly LineJob[];
  /** How many may ask now. */
  open: number;
};

/**
 * Runners by kind, and whether those that may ask find a job of their profile each. `stuck`: since when jobs are not
 * being started; `now`: both in milliseconds since 1970.
 */
export function createKinds(
  line: readonly LineJob[],
  runners: readonly GatedRunner[],
  stuck: Readonly<Record<string, number>>,
  now: number,
) {
  const byKey = new Map<string, Kind>();
  const byRunner = new Map<GatedRunner, Kind>();
  for (const runner of runners) {
    const key = JSON.stringify([runner.profile, [...runner.tags].sort(), runner.exact, runner.isForProtected]);
    const kind = byKey.get(key) ?? kindOf(runner, line, stuck, now);
    byKey.set(key, kind);
    byRunner.set(runner, kind);
  }
  const kinds = [...byKey.values()];
  const rivals = new Map(kinds.map((kind) => [kind, kinds.filter((rival) => mayTakeFrom(rival, kind))]));
  const askersOf = (kind: Kind, astray: ReadonlySet<Kind>) =>
    (rivals.get(kind) ?? [])
      .filter((rival) => rival.profile === kind.profile || isLikeProtected(rival, kind) || astray.has(rival))
      .reduce((sum, rival) => sum + rival.open, 0);
  const isSafe = (kind: Kind) => askersOf(kind, findAstray(kinds, askersOf)) <= kind.run.length;
  return {
    of: (runner: GatedRunner) => byRunner.get(runner) as Kind,
    all: kinds,
    /** Whether each of the kind's runners that may ask finds a job of its profile, whoever asks first. */
    isSafe,
    /** Whether one more of the kind may ask, and all others still find a job of their profile. */
    mayOpen(kind: Kind): boolean {
      kind.open += 1;
      const touched = kinds.filter((one) => one.open > 0 && rivals.get(one)?.includes(kind));
      const all = touched.every(isSafe);
      kind.open -= 1;
      return all;
    },
    /** The runners in groups, those of a group in the order in which they go. */
    groupsOf(some: readonly GatedRunner[]): readonly { readonly kind: Kind; readonly runners: GatedRunner[] }[] {
      const groups = Map.groupBy(some, (runner) => byRunner.get(runner) as Kind);
      return [...groups].map(([kind, its]) => ({
        kind,
        runners: its.sort((a, b) => Number(b.isReady) - Number(a.isReady) || a.jobId - b.jobId),
      }));
    },
  };
}

function kindOf(
  { profile, tags, exact, isForProtected }: GatedRunner,
  all: readonly LineJob[],
  stuck: Readonly<Record<string, number>>,
  now: number,
): Kind {
  const fitting = all.filter((job) => fits(job, { tags, isForProtected }));
  const isOwn = (job: LineJob) => job.profile === profile;
  const before = fitting.slice(0, fitting.findLastIndex(isOwn) + 1).filter((job) => !isOwn(job));
  const line = fitting.filter((job, index) => {
    const since = stuck[job.id];
    if (since === undefined || exact === 'always' || job.isComing || isOwn(job)) return true;
    // The job that waits for it waits no longer than it waits itself.
    const waiting = fitting.slice(index).find((one) => isOwn(one) && one.waitsSince !== null);
    return now - Math.max(since, waiting?.waitsSince ?? now) < exact * 1_000;
  });
  const end = line.findIndex((job) => !isOwn(job));
  const passed = fitting.filter((job) => !line.includes(job));
  const run = end === -1 ? line : line.slice(0, end);
  const unsure = all.filter((job) => {
    if (!job.unsure || !fitsByTags(job, { tags })) return false;
    return isForProtected || isOwn(job) !== (job.unsure.profileIfProtected === profile);
  });
  return { profile, tags, isForProtected, line, run, passed, before, unsure, open: 0 };
}

/**
 * Kinds that may take what is not their profile's: those that pass jobs, and those of whose runners more may ask than
 * it has first jobs.
 */
function findAstray(
  kinds: readonly Kind[],
  askersOf: (kind: Kind, astray: ReadonlySet<Kind>) => number,
): ReadonlySet<Kind> {
  const asking = kinds.filter(({ open }) => open > 0);
  const astray = new Set(asking.filter(({ passed }) => passed.length > 0));
  for (let count = -1; count < astray.size; ) {
    count = astray.size;
    for (const kind of asking) if (askersOf(kind, astray) > kind.run.length) astray.add(kind);
  }
  return astray;
}

/**
 * Of two profiles that share jobs, both find the same ones first. Where only one is for protected refs, the other one
 * finds its own before: it takes none away as long as it has enough.
 */
function isLikeProtected(rival: Kind, kind: Kind): boolean {
  return rival.isForProtected === kind.isForProtected;
}

function mayTakeFrom(rival: Kind, kind: Kind): boolean {
  return rival === kind || kind.run.some((job) => fits(job, rival));
}
