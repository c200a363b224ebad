import { notItsTurn } from '../../autoscaler/runner-store/held.ts';
import { functionNotStarted } from '../../autoscaler/runner-store/runner-errors.ts';
import { attemptsUsed, type RunnerItem, type RunnerState } from '../../autoscaler/runner-store/runner-item.ts';
import type { JobKey } from '../../infrastructure/kit/job-key.ts';
import type { Host } from './hosts-model.ts';

/** States in which an attempt is under way or did what it was for: it counts, and has not failed. */
const begun: readonly RunnerState[] = ['ADMITTED', 'REGISTERED', 'LAUNCHED', 'RUNNING', 'STOPPING', 'RELEASED'];

/**
 * Watches whose fault attempts are: a job may use up one for each of its runners that was started and failed, and none
 * else.
 */
export function createAttemptsWatch({
  fail,
  limits,
}: {
  readonly fail: (invariant: string, what: string) => void;
  readonly limits: () => {
    readonly maxAttempts: number;
    /** Whether somebody of ours can notice that GitLab is away: while none of our functions works, nobody does. */
    readonly outagesAreNoted: boolean;
    /** Whether nothing is in the way of runners that were started. */
    readonly gitlabIsThere: boolean;
  };
}) {
  const failed = new Map<JobKey, Set<number>>();
  const admittedBy = new Map<string, string>();
  const started = new Map<string, Host[]>();
  /** Attempts whose runners were kept from asking for a while. */
  const pausedBefore = new Set<string>();
  const lastStates = new Map<JobKey, RunnerState>();
  const nameOf = (job: JobKey, attempt: number) => `${job} attempt ${attempt}`;

  /** An attempt is written down as failed. */
  function checkFailure({ pk, attempt, failure }: RunnerItem): void {
    const name = nameOf(pk, attempt);
    const hosts = started.get(name) ?? [];
    if (hosts.length === 0)
      fail('8 only what was started can fail', `${name} counts, and no runner was started for it: ${failure}`);
    if (
      limits().outagesAreNoted &&
      hosts.length > 0 &&
      hosts.every(({ lastAnswer, wasAnswered }) => lastAnswer === 'down' && !wasAnswered)
    )
      fail('8 an outage costs no attempt', `${name} counts, and its runner never reached GitLab: ${failure}`);
  }

  return {
    /** A runner was started for an attempt. */
    sawStarted(job: JobKey, attempt: number, host: Host): void {
      const name = nameOf(job, attempt);
      started.set(name, [...(started.get(name) ?? []), host]);
    },
    /** An item as it was just written. */
    sawItem(item: RunnerItem): void {
      const { pk, state, attempt } = item;
      const name = nameOf(pk, attempt);
      if (state === 'ADMITTED') {
        const earlier = admittedBy.get(name) ?? item.admittedBy;
        if (earlier !== item.admittedBy)
          fail('8 each attempt has its own number', `${name} is begun by ${earlier} and by ${item.admittedBy}`);
        admittedBy.set(name, item.admittedBy);
      }
      const failures = failed.get(pk) ?? new Set();
      failed.set(pk, failures);
      if (state === 'FAILED' && !failures.has(attempt)) {
        failures.add(attempt);
        checkFailure(item);
      }
      const before = lastStates.get(pk);
      lastStates.set(pk, state);
      const wasGivenUp = state === 'WAITING' && (before === 'LAUNCHED' || before === 'STOPPING');
      // Who gives its place to an earlier job may have been let go just before. Of a function that failed before it
      // came for its ticket, and whose failure was not heard, nothing tells that it was started.
      const error = item.waitsFor?.error;
      const hadNoToken = (started.get(name) ?? []).every(({ token }) => !token);
      const wasPaused = item.pausedAt !== undefined || pausedBefore.has(name);
      if (item.pausedAt !== undefined) pausedBefore.add(name);
      const isExcused = error === notItsTurn || wasPaused || (error === functionNotStarted && hadNoToken);
      if (wasGivenUp && started.has(name) && !isExcused && limits().gitlabIsThere)
        fail('8 what failed counts', `${name} counts for nothing, although it was started: ${item.waitsFor?.error}`);
      const mayCount = failures.size + (begun.includes(state) || (state === 'WAITING' && !item.attemptBegun) ? 1 : 0);
      if (attemptsUsed(item) > mayCount)
        fail(
          '8 only failures count',
          `${name} (${state}) used up ${attemptsUsed(item)} of them; ${failures.size} failed`,
        );
      if (failures.size > limits().maxAttempts)
        fail('1 at most maxAttempts', `${failures.size} attempts of ${pk} failed`);
    },
    /** How many attempts of a job failed. */
    failuresOf: (job: JobKey): number => failed.get(job)?.size ?? 0,
  };
}
