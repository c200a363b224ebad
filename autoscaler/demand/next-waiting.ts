import type { JobEvent } from '../../infrastructure/kit/job-event.ts';
import { readAround } from '../runner-store/live-pool.ts';
import type { RunnerItem } from '../runner-store/runner-item.ts';
import { RunnerStateChangedError, type RunnersStore } from '../runner-store/runners-store.ts';
import { placesUnder } from '../runner-store/wide-caps.ts';
import { forsakenAt } from './forsaken-jobs.ts';

/** Whoever was told of a place and has not taken it by then may be told of another one. */
const calledForSeconds = 30;
/** Calls that others were faster with, until this one gives up: as many others were told. */
const mostTries = 25;

type NextWaitingPorts = { readonly store: RunnersStore; readonly now: () => number };

/**
 * The job that waited longest and can start now that a runner has ended: every cap that it needs has a place. It is
 * marked as called, so that runners that end together call one job each. Asked again, it calls the same one again: an
 * answer may have been lost. Nothing is counted here: admission does that.
 */
export async function nextWaiting({ store, now }: NextWaitingPorts, ended: RunnerItem): Promise<readonly JobEvent[]> {
  if (ended.caps.length === 0) return [];
  const calledBy = `${ended.pk} attempt ${ended.attempt}`;
  const free = createPlaceCounter(store);
  const freed = new Set(ended.caps.map(({ counter }) => counter));
  let second: RunnerItem | null = null;
  let tries = 0;
  for await (const item of waitingItems(store)) {
    const isCandidate = item.state === 'WAITING' && !item.waitsFor && item.caps.some((cap) => freed.has(cap.counter));
    if (!isCandidate || !(await isWanted(store, item))) continue;
    if (item.calledBy === calledBy) return [item.event];
    if (!(await free(item))) {
      // A cap may have been raised since the job began to wait: admission asks by the caps of today.
      second ??= item;
      continue;
    }
    if (isCalled(item, now())) continue;
    if (await call(store, item, calledBy, now())) return [item.event];
    tries += 1;
    if (tries === mostTries) return [];
  }
  return second ? [second.event] : [];
}

/** As many as are looked at: one of the first can nearly always start. */
async function* waitingItems(store: RunnersStore) {
  let page = await store.readWaiting(null);
  while (page.length > 0) {
    yield* page;
    page = await store.readWaiting(page.at(-1) ?? null);
  }
}

/** Whether the job itself waits, or one for which a runner is to be made under its item. */
async function isWanted(store: RunnersStore, item: RunnerItem): Promise<boolean> {
  return (
    item.jobState === 'PENDING' || forsakenAt(item.pk, await readAround(store, item.event.projectId, item)) !== null
  );
}

function isCalled({ calledAt }: RunnerItem, now: number): boolean {
  return calledAt !== undefined && now - Date.parse(calledAt) < calledForSeconds * 1_000;
}

/** False when somebody else was faster. */
async function call(store: RunnersStore, item: RunnerItem, calledBy: string, now: number): Promise<boolean> {
  const { pk: job, attempt, calledAt } = item;
  const set = { calledBy, calledAt: new Date(now).toISOString() };
  try {
    await store.write({ kind: 'update', job, from: ['WAITING'], attempt, only: { calledAt }, set });
    return true;
  } catch (error) {
    if (error instanceof RunnerStateChangedError) return false;
    throw error;
  }
}

/** Says whether there is a place under each of an item's caps; each counter is read once. */
function createPlaceCounter(store: RunnersStore): (item: RunnerItem) => Promise<boolean> {
  const known = new Map<string, number>();
  return async ({ caps }) => {
    const unknown = caps.filter(({ counter }) => !known.has(counter));
    if (unknown.length > 0)
      for (const [counter, taken] of await placesUnder(store, [{ caps: unknown }])) known.set(counter, taken);
    return caps.every(({ counter, limit }) => (known.get(counter) ?? 0) < limit);
  };
}
