export type BackoffPolicy = {
  readonly maxAttempts: number;
  readonly firstDelayMilliseconds: number;
  readonly longestDelayMilliseconds: number;
  /** Time for all attempts and waits together; no wait is begun that would end after it. */
  readonly budgetMilliseconds: number;
};

export type BackoffPorts = {
  readonly now: () => number;
  readonly sleep: (milliseconds: number) => Promise<void>;
  /** A number from 0 (inclusive) to 1 (exclusive). */
  readonly random: () => number;
};

/** What is known of a failure: may it be tried again, and when does the other side want to be asked again? */
export type FailureVerdict = { readonly retry: boolean; readonly retryAfterMilliseconds?: number | undefined };

/**
 * Runs `attempt` until it succeeds, `judge` says that trying again is useless, or the policy is used up; then the last
 * error is thrown. Waits are exponential with full jitter, and never shorter than the other side asks for.
 * Source: https://aws.amazon.com/builders-library/timeouts-retries-and-backoff-with-jitter/
 */
export async function retryWithBackoff<T>(
  attempt: () => Promise<T>,
  judge: (error: unknown) => FailureVerdict,
  policy: BackoffPolicy,
  ports: BackoffPorts,
): Promise<T> {
  const deadline = ports.now() + policy.budgetMilliseconds;
  for (let attempts = 1; ; attempts += 1) {
    try {
      return await attempt();
    } catch (error) {
      const verdict = judge(error);
      const wait = waitBefore(attempts, verdict, policy, ports.random());
      if (!verdict.retry || attempts >= policy.maxAttempts || ports.now() + wait > deadline) throw error;
      await ports.sleep(wait);
    }
  }
}

function waitBefore(attempts: number, verdict: FailureVerdict, policy: BackoffPolicy, random: number): number {
  const ceiling = Math.min(policy.firstDelayMilliseconds * 2 ** (attempts - 1), policy.longestDelayMilliseconds);
  return Math.max(verdict.retryAfterMilliseconds ?? 0, random * ceiling);
}

/** The real clock, timer and dice. */
export const systemBackoffPorts: BackoffPorts = {
  now: Date.now,
  sleep: (milliseconds) => new Promise((resolve) => setTimeout(resolve, milliseconds)),
  random: Math.random,
};
