import type { ReconcilerMemory } from './memory.ts';

/** Seconds for which a job of ours has been seen waiting without a runner. */
export function oldestWaitOf({ suspicions }: ReconcilerMemory, now: number): number {
  const waits = Object.entries(suspicions).flatMap(([key, { since, tries }]) => {
    const kind = key.slice(0, key.indexOf(' '));
    // A job that still has no item after two events is one that the mappings leave to others.
    const isOurs = kind !== 'start-lost-job' || tries <= 2;
    return kind.startsWith('start-') && isOurs ? [(now - since) / 1_000] : [];
  });
  return Math.max(0, ...waits);
}
