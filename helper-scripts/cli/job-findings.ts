import { placeText } from '../../autoscaler/runner-store/misplaced.ts';
import { attemptsUsed, type RunnerItem } from '../../autoscaler/runner-store/runner-item.ts';
import type { Finding } from './finding.ts';
import { isGivenUp } from './given-up.ts';
import { ageText } from './time-text.ts';
import { type HoldOf, isWaitingForTurn, turnRemedy, turnText } from './turn-text.ts';
import { troubleOf } from './wait-troubles.ts';
import { capText, fullCaps, lookText, type PlacesTaken, reasonText } from './waiting-text.ts';

export type SeenJobs = {
  readonly live: readonly RunnerItem[];
  /** Places taken under the caps of those that wait for one. */
  readonly taken: PlacesTaken;
  /** What runners are held for that wait for their turn. */
  readonly holdOf: HoldOf;
  /** Of the configuration at hand; null when there is none for this deployment. */
  readonly maxAttempts: number | null;
};

const longWaitMinutes = 30;
const mostNamed = 3;

/** Jobs that wait without a runner, and why, and jobs on the wrong one; those of one reason together. */
export function jobFindings(seen: SeenJobs, now: number): Finding[] {
  const pending = seen.live.filter(({ jobState }) => jobState === 'PENDING');
  return [
    ...failedFindings(pending, seen),
    ...deferredFindings(pending, now),
    ...turnFindings(pending, seen, now),
    ...queueFindings(pending, seen, now),
    ...misplacedFindings(seen.live),
  ];
}

function failedFindings(pending: readonly RunnerItem[], { maxAttempts }: SeenJobs): Finding[] {
  return pending
    .filter(({ state }) => state === 'FAILED')
    .map((item) => {
      const what = nameOf(item);
      const why = item.failure ?? 'no reason is known';
      const used = attemptsUsed(item);
      if (!isGivenUp(item, maxAttempts)) {
        const wrong = `has no runner after attempt ${used} of ${maxAttempts}: ${why}`;
        return { what, wrong, remedy: 'the next attempt comes by itself within minutes' };
      }
      const remedy = `mend that, and "retry ${idOf(item)}" gives it new ones (GitLab retries no job that is pending)`;
      return { what, wrong: `has no runner after ${used === 1 ? '1 attempt' : `${used} attempts`}: ${why}`, remedy };
    });
}

/** GitLab's absence lets all of them wait for the same: one line says it. */
function deferredFindings(pending: readonly RunnerItem[], now: number): Finding[] {
  const waiting = pending.flatMap((item) =>
    item.state === 'WAITING' && item.waitsFor && !isWaitingForTurn(item) ? [{ ...item, waitsFor: item.waitsFor }] : [],
  );
  return groupBy(waiting, ({ waitsFor }) => `${waitsFor.error} ${waitsFor.message}`).map((group) => {
    const [first] = group.sort((a, b) => (a.waitsFor.since < b.waitsFor.since ? -1 : 1));
    const { waitsFor } = first;
    const since = ageText(now - Date.parse(waitsFor.since));
    return {
      what: namesOf(group),
      wrong: `${group.length === 1 ? 'waits' : 'wait'} since ${since}: ${reasonText(waitsFor)} (${lookText(waitsFor, now)})`,
      remedy: `${troubleOf(waitsFor.error).remedy}; "retry ${idOf(first)}" looks at once`,
    };
  });
}

/** Jobs that wait for others which nobody starts; those for which somebody does wait as they should. */
function turnFindings(pending: readonly RunnerItem[], { holdOf }: SeenJobs, now: number): Finding[] {
  const stuck = pending.filter((item) => isWaitingForTurn(item) && (holdOf(item)?.stuckSince ?? null) !== null);
  return groupBy(stuck, (item) => turnText(holdOf(item), now)).map((group) => ({
    what: namesOf(group),
    wrong: turnText(holdOf(group[0]), now).replace(/^waits/u, group.length === 1 ? 'waits' : 'wait'),
    remedy: `have that job started or canceled; ${turnRemedy}`,
  }));
}

function queueFindings(pending: readonly RunnerItem[], { taken }: SeenJobs, now: number): Finding[] {
  const waiting = pending.filter(
    (item) => item.state === 'WAITING' && !item.waitsFor && waitOf(item, now) > longWaitMinutes * 60_000,
  );
  const limits = ({ caps }: RunnerItem) => {
    const full = fullCaps(caps, taken);
    return (full.length > 0 ? full : caps).map((cap) => capText(cap, taken)).join(' and ');
  };
  return groupBy(waiting, limits).map((group) => {
    const [first] = group.sort((a, b) => waitOf(b, now) - waitOf(a, now));
    const age = ageText(waitOf(first, now));
    const isQuota = fullCaps(first.caps, taken).some(({ counter }) => counter === 'cap#lambda');
    return {
      what: namesOf(group),
      wrong: `${group.length === 1 ? 'has' : 'have'} waited for ${age} for a place: ${limits(first)}`,
      remedy: isQuota
        ? 'have AWS raise the Lambda quota "Concurrent executions", or wait'
        : 'raise that maxConcurrent, or wait',
    };
  });
}

/** Jobs that GitLab gave to runners of other profiles; told as long as these live. */
function misplacedFindings(live: readonly RunnerItem[]): Finding[] {
  const misplaced = live.flatMap((item) => (item.misplaced ? [{ ...item, misplaced: item.misplaced }] : []));
  const places = (item: (typeof misplaced)[number]) =>
    `on ${item.type} ${item.profile}, and should run on ${placeText(item.misplaced)}`;
  return groupBy(misplaced, places).map((group) => {
    const jobs = group.map((item) => item.misplaced.job.replace(/^job#(\d+)#/u, '$1/'));
    return {
      what: jobs.length === 1 ? `job ${jobs[0]}` : countText(jobs),
      wrong: `${jobs.length === 1 ? 'runs' : 'run'} ${places(group[0])}`,
      remedy: 'give the profiles tags of their own, then no job fits a runner of another one',
    };
  });
}

/** Milliseconds. The newest GitLab says since when the job is pending; an older one's hook came in that moment. */
function waitOf({ event }: RunnerItem, now: number): number {
  return now - Date.parse(event.occurredAt);
}

/** Groups are never empty. */
type Group<T> = [T, ...T[]];

function groupBy<T>(all: readonly T[], keyOf: (one: T) => string): Group<T>[] {
  const groups = new Map<string, Group<T>>();
  for (const one of all) {
    const group = groups.get(keyOf(one));
    if (group) group.push(one);
    else groups.set(keyOf(one), [one]);
  }
  return [...groups.values()];
}

function idOf({ event }: RunnerItem): string {
  return `${event.projectId}/${event.jobId}`;
}

function nameOf(item: RunnerItem): string {
  return `job ${idOf(item)} (${item.event.jobName})`;
}

function namesOf(group: Group<RunnerItem>): string {
  return group.length === 1 ? nameOf(group[0]) : countText(group.map(idOf));
}

function countText(ids: readonly string[]): string {
  const named = ids.slice(0, mostNamed).join(', ');
  return `${ids.length} jobs (${named}${ids.length > mostNamed ? ', ...' : ''})`;
}
