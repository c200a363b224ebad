import type { RunnerItem, Wait } from '../runner-store/runner-item.ts';
import { LongLivedRunnerError } from './long-lived-runner.ts';

/** Characters. */
const longestMessage = 1_000;

export type WaitCircumstances = {
  /** Whether a runner was made in GitLab before the error. */
  readonly registered: boolean;
  /** Milliseconds since 1970. */
  readonly now: number;
  /** 0 to 1: spreads the looks of those that began to wait together. */
  readonly random: number;
};

/**
 * The first looks are the workflow's own, a few seconds apart: most trouble passes by then. All later ones are the
 * reconciler's.
 */
export const looksOfWorkflow = 3;
const firstLookSeconds = 8;
/** Due again when the reconciler comes by next. */
const laterLookSeconds = 30;
/**
 * Where each look makes a runner in GitLab and removes it again, or only a person can mend what is in the way: not
 * every minute for hours, since each takes a place under the job's caps for a moment.
 */
const longestLookSeconds = 2 * 60;

/** The wait of a job that just met an error, given what it waited for until now. */
export function nextWait(
  item: Pick<RunnerItem, 'waitsFor'> | null,
  { error, message }: Pick<Wait, 'error' | 'message'>,
  { now, random, registered }: WaitCircumstances,
): Wait {
  const looks = (item?.waitsFor?.looks ?? 0) + 1;
  const at = new Date(now).toISOString();
  const isRare = registered || error === LongLivedRunnerError.name;
  const seconds = secondsToLook(looks, isRare) * (0.5 + random / 2);
  return {
    error,
    message: message.slice(0, longestMessage),
    since: item?.waitsFor?.since ?? at,
    lookAt: new Date(now + Math.ceil(seconds) * 1_000).toISOString(),
    looks,
  };
}

function secondsToLook(looks: number, isRare: boolean): number {
  if (looks <= looksOfWorkflow) return firstLookSeconds * 2 ** (looks - 1);
  if (!isRare) return laterLookSeconds;
  return Math.min(laterLookSeconds * 2 ** (looks - looksOfWorkflow - 1), longestLookSeconds);
}

/**
 * Whether a waiting job is to be looked at by now, and nobody did. `graceSeconds`: for whoever was to look by himself.
 */
export function isLookDue({ lookAt }: Wait, now: number, graceSeconds: number): boolean {
  return now - Date.parse(lookAt) >= graceSeconds * 1_000;
}
