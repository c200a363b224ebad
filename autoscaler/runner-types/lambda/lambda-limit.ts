import type { RunnerChoice } from '../../runner-store/runner-item.ts';

/*
 * All functions of an account share its limit of executions at the same time, jobs and control plane alike, but for
 * those with a reservation. Of that limit, "unreserved" is what is left to us, who reserve nothing: accounts with small
 * limits have nothing to reserve.
 * Source: https://docs.aws.amazon.com/lambda/latest/dg/lambda-concurrency.html
 */

/** What new accounts may have, and what we count on until we know better. */
export const smallestLimit = 10;

/** The counter of all LAMBDA jobs of the deployment together. */
export const lambdaCounter = 'cap#lambda';

const smallestReserve = 5;
const largestReserve = 100;

/**
 * How many executions jobs leave to the ingest and the control plane: half of the smallest limit, a quarter of a small
 * one, and 100 of 400 or more. A job takes ten short calls or so in its life, of which only the ingest's may not wait;
 * those of 100 at the same time serve some hundred jobs a second. A quarter also covers functions that still clean up
 * when their place is free again.
 */
export function reserveOf(unreserved: number): number {
  return Math.min(largestReserve, Math.max(smallestReserve, Math.ceil(unreserved / 4)));
}

/** How many LAMBDA jobs may run at the same time, given the account's limit. Never none: they would wait for ever. */
export function lambdaJobsAtOnce(unreserved: number): number {
  return Math.max(1, unreserved - reserveOf(unreserved));
}

/** The same choice under the limit that applies now: an item keeps the caps of the time when its job came. */
export function underLambdaLimit<Choice extends Pick<RunnerChoice, 'caps'>>(
  choice: Choice,
  jobsAtOnce: number,
): Choice {
  if (!choice.caps.some(({ counter }) => counter === lambdaCounter)) return choice;
  const caps = choice.caps.map((cap) => (cap.counter === lambdaCounter ? { ...cap, limit: jobsAtOnce } : cap));
  return { ...choice, caps };
}
