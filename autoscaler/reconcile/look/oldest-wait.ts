import type { RunnerItem } from '../../runner-store/runner-item.ts';
import { deferredJobs } from '../decide/waiting-jobs.ts';
import type { ReconcilerMemory } from './memory.ts';

/** Seconds for which a job of ours has been seen waiting without a runner. */
export function oldestWaitOf({ suspicions }: ReconcilerMemory, live: readonly RunnerItem[], now: number): number {
  const lost = Object.entries(suspicions).flatMap(([key, { since }]) => (key.startsWith('start-') ? [since] : []));
  const deferred = deferredJobs(live).map(({ waitsFor }) => Date.parse(waitsFor?.since ?? ''));
  return Math.max(0, ...[...lost, ...deferred].map((since) => (now - since) / 1_000));
}
