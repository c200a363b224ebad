/** How often one call is made before its answer is taken as it is. */
export const callAttempts = 5;

const shortestDelayMs = 100;

const retriedStatuses: ReadonlySet<number> = new Set([408, 429, 500, 502, 503, 504]);

/** Too many requests, and faults that may pass. */
export function isWorthRetrying(status: number): boolean {
  return retriedStatuses.has(status);
}

/**
 * Milliseconds until the same call is made again: what the server asks for, else exponential with jitter.
 * @param attempt 0 for the first repetition
 * @param chance a random number, 0 to 1
 */
export function retryDelayMs(attempt: number, retryAfter: string | undefined, chance: number): number {
  if (retryAfter !== undefined && /^\d+$/.test(retryAfter)) return Number(retryAfter) * 1000;
  const longest = shortestDelayMs * 2 ** attempt;
  return shortestDelayMs + chance * (longest - shortestDelayMs);
}

const longestFinalDelaySeconds = 60;

/** Seconds between two attempts at the final update, beside the update interval. */
export function finalUpdateDelaySeconds(attempt: number): number {
  return Math.min(2 ** attempt, longestFinalDelaySeconds);
}
