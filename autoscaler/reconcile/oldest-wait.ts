import type { ReconcilerMemory } from './memory.ts';

/** Seconds for which a job of ours has been seen waiting without a runner. */
export function oldestWaitOf({ suspicions }: ReconcilerMemory, now: number): number {
  const waiting = Object.entries(suspicions).filter(([key]) => key.startsWith('start-'));
  return Math.max(0, ...waiting.map(([, { since }]) => (now - since) / 1_000));
}
