import type { Suspicion } from '../look/memory.ts';
import type { Repair } from './repair.ts';

/** Something that looks wrong in this look: a repair that is due when it still looks so in the next. */
export type Suspect = {
  readonly repair: Repair;
  /** For how long it has to look wrong at least. */
  readonly patienceSeconds?: number;
};

/** Looks closer together than this are one look: two passes at the same time prove nothing to each other. */
const shortestGapMilliseconds = 45_000;
/** A repair that changed nothing is tried again after a minute, two, four, and so on up to an hour. */
const firstBackoffMilliseconds = 60_000;
const longestBackoffMilliseconds = 60 * 60 * 1_000;
/** What could not be looked at for longer counts from the beginning. */
const forgottenAfterMilliseconds = 30 * 60 * 1_000;
/** Passes begin a minute apart, more or less. */
const slackMilliseconds = 5_000;
/** In one pass; what is left over comes first in the next. */
const mostRepairs = 100;
/** The ends of jobs that nobody heard of. Each takes a few calls to GitLab, so that it may not be all of them. */
const mostFinished = 450;
/** The memory is one item of at most 400 KB. */
const mostSuspicions = 2_000;

/** `now`: milliseconds since 1970; `patience`: factor of every wait between looks and repairs. */
export type LookClock = { readonly now: number; readonly patience: number };

export type Weighed = {
  readonly repairs: readonly Repair[];
  readonly suspicions: Readonly<Record<string, Suspicion>>;
};

/** What a pass was able to look at, by key of a suspicion, and what it is able to mend. */
export type PassPowers = {
  readonly couldSee: (key: string) => boolean;
  readonly canMend: (repair: Repair) => boolean;
};

/**
 * Which suspects have been seen at least twice, long enough, and not been tried just now. What this pass could not look
 * at is neither confirmed nor forgotten, and what it cannot mend is not tried: a try in vain would put off the next.
 */
export function weigh(
  suspects: readonly Suspect[],
  before: Readonly<Record<string, Suspicion>>,
  clock: LookClock,
  { couldSee, canMend }: PassPowers,
): Weighed {
  const { now } = clock;
  const seen = new Map<string, { readonly suspect: Suspect; readonly suspicion: Suspicion }>();
  for (const suspect of suspects.slice(0, mostSuspicions)) {
    const key = keyOf(suspect.repair);
    seen.set(key, { suspect, suspicion: lookAgain(before[key], clock) });
  }
  const due = [...seen]
    .filter(([, { suspect, suspicion }]) => isDue(suspicion, suspect.patienceSeconds ?? 0, clock))
    .filter(([, { suspect }]) => canMend(suspect.repair))
    .sort(([, a], [, b]) => a.suspicion.tries - b.suspicion.tries);
  const isEnd = ([, { suspect }]: (typeof due)[number]) => suspect.repair.kind === 'finish-job';
  const chosen = [
    ...due.filter(isEnd).slice(0, mostFinished),
    ...due.filter((one) => !isEnd(one)).slice(0, mostRepairs),
  ];
  const tried = new Set(chosen.map(([key]) => key));
  const unseen = Object.entries(before).filter(
    ([key, { lastLook }]) => !seen.has(key) && !couldSee(key) && now - lastLook < forgottenAfterMilliseconds,
  );
  const current = [...seen].map(([key, { suspicion }]) => {
    const after = tried.has(key) ? { ...suspicion, tries: suspicion.tries + 1, lastTry: now } : suspicion;
    return [key, after] as const;
  });
  return {
    repairs: chosen.map(([, { suspect }]) => suspect.repair),
    // What was not seen is kept as far as there is room.
    suspicions: Object.fromEntries([...current, ...unseen].slice(0, mostSuspicions)),
  };
}

/** The name under which a suspicion is remembered: kind and subject. */
export function keyOf({ kind, subject }: Pick<Repair, 'kind' | 'subject'>): string {
  return `${kind} ${subject}`;
}

function lookAgain(before: Suspicion | undefined, { now, patience }: LookClock): Suspicion {
  if (!before || now - before.lastLook > forgottenAfterMilliseconds) {
    return { since: now, lastLook: now, looks: 1, tries: 0, lastTry: 0 };
  }
  if (now - before.lastLook < shortestGapMilliseconds * patience) return before;
  return { ...before, looks: before.looks + 1, lastLook: now };
}

function isDue({ since, looks, tries, lastTry }: Suspicion, patienceSeconds: number, clock: LookClock) {
  const { now, patience } = clock;
  if (looks < 2 || now - since < patienceSeconds * patience * 1_000) return false;
  const backoff = Math.min(firstBackoffMilliseconds * 2 ** (tries - 1), longestBackoffMilliseconds);
  return tries === 0 || now - lastTry >= (backoff - slackMilliseconds) * patience;
}
