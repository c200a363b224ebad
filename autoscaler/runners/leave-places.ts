import type { JobEvent } from '../../infrastructure/lib/job-event.ts';
import { nextWaiting } from './next-waiting.ts';
import type { RunnerItem } from './runner-item.ts';
import { type RunnersStore, whenItWentOn } from './runners-store.ts';
import { placeOf } from './wide-caps.ts';

export type LeavePlacesPorts = { readonly store: RunnersStore; readonly now: () => number };

/**
 * Gives back the places of a runner that has had its one job, although its host is still to end, and calls the job that
 * waits for them: that one needs some seconds until it has a host. Asked again, it calls the same one again.
 */
export async function leavePlaces(ports: LeavePlacesPorts, item: RunnerItem): Promise<readonly JobEvent[]> {
  if (item.caps.length === 0) return [];
  const { pk: job, attempt, takenJob, placesLeftAt } = item;
  if (placesLeftAt === undefined) {
    const set = { placesLeftAt: new Date(ports.now()).toISOString() };
    const places = item.caps.map((cap) => ({ kind: 'give-place-back', cap: placeOf(cap) }) as const);
    const only = { takenJob, placesLeftAt };
    await ports.store
      .write({ kind: 'update', job, from: ['RUNNING', 'STOPPING'], attempt, only, set }, ...places)
      .catch(whenItWentOn);
  }
  return nextWaiting(ports, item);
}
