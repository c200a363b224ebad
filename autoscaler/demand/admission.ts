import type { JobEvent } from '../../infrastructure/kit/job-event.ts';
import { jobKeyOf } from '../../infrastructure/kit/job-key.ts';
import { notItsTurn, waitsForTurn } from '../runner-store/held.ts';
import { outageErrors } from '../runner-store/outage-mark.ts';
import {
  attemptsUsed,
  liveMark,
  type RunnerChoice,
  type RunnerItem,
  type Wait,
  waitingMark,
} from '../runner-store/runner-item.ts';
import { traitsOf } from '../runner-types/runner-types.ts';

export type AdmissionRequest = {
  readonly event: JobEvent;
  readonly choice: RunnerChoice;
  /** Where the job runs once an attempt has failed, when its mapping names such a place. */
  readonly fallback?: RunnerChoice | undefined;
  /** Id of the workflow execution, which finds its own admission when it tries again. */
  readonly admittedBy: string;
  readonly now: string;
  readonly maxAttempts: number;
  /** The job is the retry of an interrupted one. */
  readonly onDemandOnly?: boolean;
  /** The job runs on the runner of another one: this runner is made in its name, and for that one. */
  readonly standIn?: boolean;
};

/** What a job's item says about admitting the job now. */
export type AdmissionVerdict =
  | { readonly kind: 'admit'; readonly item: RunnerItem }
  | { readonly kind: 'already-ours'; readonly item: RunnerItem }
  | { readonly kind: 'refuse'; readonly why: string };

/**
 * Whether a job may have a runner, given its item (null when there is none). Attempts only count up, so that nothing
 * that happens to an earlier attempt touches a later one.
 */
export function judgeAdmission(current: RunnerItem | null, request: AdmissionRequest): AdmissionVerdict {
  if (!current) return { kind: 'admit', item: admittedItem(request, 1) };
  if (current.state === 'ADMITTED' && current.admittedBy === request.admittedBy) {
    return { kind: 'already-ours', item: current };
  }
  const mayHave = request.standIn ? ['PENDING', 'RUNNING'] : ['PENDING'];
  if (!mayHave.includes(current.jobState)) return { kind: 'refuse', why: `the job is ${current.jobState}` };
  switch (current.state) {
    case 'WAITING':
      return { kind: 'admit', item: admittedAfterWait(request, current) };
    case 'RELEASED':
      return { kind: 'admit', item: admittedItem(request, current.attempt + 1, excuse(current).excusedAttempts) };
    case 'FAILED':
      return attemptsUsed(current) < request.maxAttempts
        ? { kind: 'admit', item: admittedItem(request, current.attempt + 1, current.excusedAttempts) }
        : { kind: 'refuse', why: `${attemptsUsed(current)} attempts failed, which is all that maxAttempts allows` };
    default:
      return { kind: 'refuse', why: `its runner is ${current.state} at attempt ${current.attempt}` };
  }
}

/**
 * Of an ended runner that worked for another job, or lost its idle spot instance: that is no failed attempt, and each
 * such round needs a job that was served, or an interruption.
 */
export function excuse<Item extends Pick<RunnerItem, 'excusedAttempts'>>(
  item: Item,
): Item & { excusedAttempts: number } {
  return { ...item, excusedAttempts: (item.excusedAttempts ?? 0) + 1 };
}

function admittedItem(
  { event, choice, fallback, admittedBy, now, onDemandOnly = false, standIn = false }: AdmissionRequest,
  attempt: number,
  excusedAttempts = 0,
  isMoved = false,
): RunnerItem {
  const isFirst = attemptsUsed({ attempt, excusedAttempts }) <= 1 && !isMoved;
  return {
    pk: jobKeyOf(event),
    state: 'ADMITTED',
    jobState: standIn ? 'RUNNING' : 'PENDING',
    attempt,
    ...(excusedAttempts > 0 ? { excusedAttempts } : {}),
    admittedBy,
    event,
    ...(isFirst || !fallback ? choice : fallback),
    ...(onDemandOnly ? { onDemandOnly } : {}),
    admittedAt: now,
    live: liveMark,
  };
}

/** What it waited for is kept, should that be in the way still. */
function admittedAfterWait(request: AdmissionRequest, waiting: RunnerItem): RunnerItem {
  const { attempt, attemptBegun = false, excusedAttempts, waitsFor = waiting.waitedFor } = waiting;
  const isMoved = waiting.profile === request.fallback?.profile || hasNoFunction(waiting);
  const item = admittedItem(request, attempt + (attemptBegun ? 1 : 0), excusedAttempts, isMoved);
  // It was let go as a runner of that profile.
  const hasTurn = item.gated && waiting.turnAt !== undefined && isOfKind(waiting, item);
  return { ...item, ...(waitsFor ? { waitsFor } : {}), ...(hasTurn ? { turnAt: waiting.turnAt } : {}) };
}

/** Whether GitLab would give the runners of both items the same jobs, and these are their own. */
export function isOfKind(a: RunnerItem, b: RunnerItem): boolean {
  return a.profile === b.profile && a.tags.join() === b.tags.join();
}

/**
 * Whether a job may not even be admitted before its turn: a runner that costs nothing while it does not ask is not
 * started, and what gave its place back to an earlier job does not take it again.
 */
export function waitsBeforeAdmission(current: RunnerItem | null, item: RunnerItem): boolean {
  if (!item.gated || item.turnAt !== undefined) return false;
  return traitsOf(item).launch === 'invoked' || (current !== null && waitsForTurn(current));
}

/** The item of a job that waits for its turn; it holds no counter. */
export function itemBeforeTurn(
  { turnAt: _, ...item }: RunnerItem,
  current: RunnerItem | null,
  now: string,
): RunnerItem {
  const since = current && waitsForTurn(current) ? current.waitsFor?.since : undefined;
  const waitsFor: Wait = {
    error: notItsTurn,
    message: 'GitLab would give its runner an earlier job, which is to run elsewhere',
    since: since ?? now,
    lookAt: now,
    looks: 1,
  };
  return { ...item, state: 'WAITING', waitsFor };
}

/** Its runner was made, and Lambda would or could not start the function for it. */
function hasNoFunction({ type, attemptBegun = false, runnerId, waitsFor }: RunnerItem): boolean {
  const isGitLabs = waitsFor !== undefined && outageErrors.includes(waitsFor.error);
  return traitsOf({ type }).launch === 'invoked' && attemptBegun && runnerId !== undefined && !isGitLabs;
}

/**
 * The item of a job that waits for a place under its caps, and for nothing else: it holds no counter. What was in its
 * way before is not forgotten, or it would seem to wait for that since a moment ago, each time that a place is free.
 */
export function waitingItem({ waitsFor, turnAt: _, ...item }: RunnerItem): RunnerItem {
  const waitedFor = waitsFor && waitsFor.error !== notItsTurn ? { waitedFor: waitsFor } : {};
  return { ...item, ...waitedFor, state: 'WAITING', live: waitingMark };
}
