import type { JobEvent } from '../../../infrastructure/kit/job-event.ts';
import { attemptsUsed, type RunnerItem } from '../../runner-store/runner-item.ts';
import type { ReconcilerMemory } from '../look/memory.ts';
import type { Seen } from '../look/seen.ts';
import type { Repair, RepairKind } from './repair.ts';
import { jobsToCatchUp, jobsToStart, jobsToUnbind, runnersToBind } from './repair-jobs.ts';
import { launchesToRequest } from './repair-launches.ts';
import { jobOfSubject, runnersToEnd } from './repair-runners.ts';
import { findStrays } from './strays.ts';
import { type PassPowers, weigh } from './suspicion.ts';
import { deferredJobs, gatedProjects, heldJobs, jobsToLookAt } from './waiting-jobs.ts';

/** What people should know, whether or not it can be mended. */
export type Findings = {
  /** Instances that a person holds back. */
  readonly held: readonly string[];
  /** Instances, GitLab runners and tickets that nothing accounts for, from the first look on. */
  readonly unaccounted: readonly string[];
  /** Jobs that wait and may have no further attempt. */
  readonly outOfAttempts: readonly string[];
  /** Jobs whose runner may not ask yet, since it would get another job. */
  readonly waitingForTurn: readonly string[];
  /** Jobs that wait although no cap keeps them, and for what. */
  readonly deferred: readonly string[];
  /**
   * Counters that differ from the live items in this look. Only a transaction moves them: one that stays here is a
   * defect.
   */
  readonly driftedCounters: readonly string[];
};

export type RepairPlan = {
  readonly repairs: readonly Repair[];
  /** Events of waiting jobs that are to be looked at again; that mends nothing, and blames nobody. */
  readonly looks: readonly JobEvent[];
  /** Projects whose gates are to be looked at, each with the job to look at. */
  readonly gates: ReadonlyMap<number, number>;
  readonly findings: Findings;
  /** What the next pass remembers. */
  readonly memory: ReconcilerMemory;
};

/** Repairs that succeed while GitLab is away. Whatever takes a runner or a job asks it first. */
const withoutGitLab: readonly Repair['action']['do'][] = ['request-launch', 'remove-instance', 'remove-ticket'];

const nothing: Findings = {
  held: [],
  unaccounted: [],
  outOfAttempts: [],
  waitingForTurn: [],
  deferred: [],
  driftedCounters: [],
};

/**
 * Decides what is to be mended. Nothing is mended on a single look: a suspicion has to be there in two looks in a row,
 * and a repair that did not help is tried again ever more rarely. What was not seen is neither there nor gone. `now`:
 * milliseconds since 1970.
 */
export function planRepairs(seen: Seen, now: number): RepairPlan {
  const { live, memory } = seen;
  // Without our own table nothing can be told apart.
  if (!live) return { repairs: [], looks: [], gates: new Map(), findings: nothing, memory };
  const looked = { ...seen, live };
  const strays = findStrays(looked, now);
  const suspects = [
    ...jobsToStart(looked, now),
    ...jobsToCatchUp(looked, now),
    ...runnersToBind(looked, now),
    ...jobsToUnbind(looked),
    ...launchesToRequest(looked, now),
    ...runnersToEnd(looked, now),
    ...strays.suspects,
  ];
  const powers: PassPowers = {
    couldSee: (key) => couldSee(key, seen),
    canMend: ({ action }) => !seen.isGitLabAway || withoutGitLab.includes(action.do),
  };
  const { repairs, suspicions } = weigh(suspects, memory.suspicions, { now, patience: seen.patience }, powers);
  const outOfAttempts = live.filter(
    (item) => item.state === 'FAILED' && item.jobState === 'PENDING' && attemptsUsed(item) >= seen.maxAttempts,
  );
  return {
    repairs,
    looks: jobsToLookAt(looked, now),
    gates: seen.isGitLabAway ? new Map() : gatedProjects(live),
    findings: {
      held: strays.held,
      unaccounted: strays.unaccounted,
      outOfAttempts: outOfAttempts.map(({ pk }) => pk),
      waitingForTurn: heldJobs(live).map(({ pk }) => pk),
      deferred: deferredJobs(live).map(({ pk, waitsFor }) => `${pk}: ${waitsFor?.error} since ${waitsFor?.since}`),
      driftedCounters: driftedCounters(live, seen.places),
    },
    memory: { ...memory, suspicions },
  };
}

/**
 * Whether this pass looked at what a suspicion is about; when it did and the suspicion did not come again, it was
 * wrong.
 */
function couldSee(key: string, { instances, runners, tickets, jobs, listedProjects, places }: Seen): boolean {
  const [kind, subject = ''] = splitAtBlank(key);
  const job = jobOfSubject(subject);
  const projectId = Number(subject.split('#')[1]);
  switch (kind as RepairKind) {
    case 'remove-instance':
      return instances !== null && runners !== null;
    case 'abandon-lost-host':
    case 'stop-lost-host':
      return instances !== null;
    case 'remove-runner':
      return runners !== null;
    case 'remove-ticket':
      return tickets !== null;
    case 'start-lost-job':
      return listedProjects.has(projectId);
    case 'start-waiting-job':
      return places !== null;
    case 'bind-runner':
    case 'unbind-runner':
    case 'finish-job':
    case 'start-failed-job':
    case 'start-forsaken-job':
    case 'abandon-idle-host':
      return job !== null && jobs.has(job);
    default:
      return true;
  }
}

function splitAtBlank(key: string): readonly [string, string] {
  const blank = key.indexOf(' ');
  return [key.slice(0, blank), key.slice(blank + 1)];
}

/** States in which an item holds a place under each of its caps. */
const counted = ['ADMITTED', 'REGISTERED', 'LAUNCHED', 'RUNNING', 'STOPPING'];

function driftedCounters(live: readonly RunnerItem[], places: Seen['places']): readonly string[] {
  const held = new Map<string, number>();
  for (const { state, caps } of live) {
    if (!counted.includes(state)) continue;
    for (const { counter } of caps) held.set(counter, (held.get(counter) ?? 0) + 1);
  }
  const expected = (counter: string) => held.get(counter) ?? 0;
  return [...(places ?? [])].flatMap(([counter, taken]) =>
    taken === expected(counter) ? [] : [`${counter}: ${taken} instead of ${expected(counter)}`],
  );
}
