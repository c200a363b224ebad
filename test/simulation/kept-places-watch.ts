import { waitsForRegistration } from '../../autoscaler/demand/registration.ts';
import { isHeld } from '../../autoscaler/runner-store/held.ts';
import type { RunnerItem } from '../../autoscaler/runner-store/runner-item.ts';
import type { JobKey } from '../../infrastructure/kit/job-key.ts';

/** The gate is looked at as the job begins to wait, and a place that is given back passes through two workflows. */
const longestMilliseconds = 30_000;

/** Watches that whoever may not ask for a job keeps no earlier job from a place for long. */
export function createKeptPlacesWatch(fail: (invariant: string, what: string) => void) {
  /** Since when each job waits for a place that a runner like this one holds. */
  const since = new Map<JobKey, number>();

  return {
    check(items: readonly RunnerItem[], counters: ReadonlyMap<string, number>, now: number): void {
      const held = items.filter(isHeld);
      for (const item of items) {
        const keeper = held.find((one) => comesLater(one, item) && keepsPlace(one, item, counters));
        if (!keeper) {
          since.delete(item.pk);
          continue;
        }
        const first = since.get(item.pk) ?? now;
        since.set(item.pk, first);
        if (now - first > longestMilliseconds)
          fail('6 who may not ask keeps no place', `${item.pk} waits for one, and ${keeper.pk} holds one`);
      }
    },
  };
}

function comesLater(runner: RunnerItem, { event, profile }: RunnerItem): boolean {
  const isLater = runner.event.projectId === event.projectId && runner.event.jobId > event.jobId;
  return isLater && runner.profile !== profile;
}

function keepsPlace(runner: RunnerItem, item: RunnerItem, counters: ReadonlyMap<string, number>): boolean {
  if (item.jobState !== 'PENDING') return false;
  if (waitsForRegistration(item)) return runner.runnerId !== undefined;
  if (item.state !== 'WAITING' || item.waitsFor) return false;
  const full = item.caps.filter(({ counter, limit }) => (counters.get(counter) ?? 0) >= limit);
  return full.some(({ counter }) => runner.caps.some((cap) => cap.counter === counter));
}
