import { nextWait, type WaitCircumstances } from '../demand/waits.ts';
import { lacksTurn } from '../runner-store/held.ts';
import { wasAwaySince } from '../runner-store/outage-mark.ts';
import { functionCutOff, functionFailed, functionNotStarted } from '../runner-store/runner-errors.ts';
import type { RunnerItem, Wait } from '../runner-store/runner-item.ts';
import type { AttemptEnd } from './end-runner.ts';

export type FaultCircumstances = Omit<WaitCircumstances, 'registered'> & {
  /** When GitLab was last seen not to answer, milliseconds since 1970; null for not lately. */
  readonly lastOutage: number | null;
};

/**
 * What becomes of an attempt that brought its job no runner. It counts only when a runner of ours was started and
 * failed. Whatever was in the way before (GitLab, AWS, limits, tokens, what was not deployed), and GitLab's absence
 * afterwards, lets the job wait instead.
 */
export function judgeAttempt(
  item: RunnerItem,
  { error, message }: Pick<Wait, 'error' | 'message'>,
  { lastOutage, ...circumstances }: FaultCircumstances,
): Exclude<AttemptEnd, { state: 'RELEASED' }> {
  const failed = wasStarted(item, error) && !wasAwaySince(item.launchedAt, lastOutage);
  if (failed) return { state: 'FAILED', failure: `${error}: ${message}`.slice(0, longestFailure) };
  const registered = item.runnerId !== undefined || item.managerOf !== undefined;
  return { state: 'WAITING', waitsFor: nextWait(item, { error, message }, { ...circumstances, registered }) };
}

const longestFailure = 1_000;

function wasStarted(item: RunnerItem, error: string): boolean {
  // It had no token to work with, or was paused for a part of its time.
  if (lacksTurn(item) || item.pausedAt !== undefined) return false;
  const { launchedAt } = item;
  if (error === functionNotStarted || error === functionCutOff) return false;
  // Its start may not be noted yet.
  return launchedAt !== undefined || error === functionFailed;
}
