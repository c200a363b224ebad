import { type JobKey, parseJobKey } from '../../infrastructure/kit/job-key.ts';
import type { Cap, RunnerItem } from './runner-item.ts';
import type { RunnersStore } from './runners-store.ts';

/*
 * A counter is one item, and transactions on one item go one after the other: some dozens a second. A wide cap is
 * therefore counted in shards, each with a share of the limit, which add up to the limit exactly. A place is given back
 * where it was taken. The counter itself holds what was admitted before there were shards, until that has ended.
 */

/** From so many places on a cap is wide: narrower ones are full before their counter is too slow. */
export const fewestPlaces = 64;
export const shards = 32;

/** Where a job of an item took its place under a cap, or takes it: the counter and how much of the limit it has. */
export function placeOf({ counter, limit, shard }: Cap): Pick<Cap, 'counter' | 'limit'> {
  return shard === undefined
    ? { counter, limit }
    : { counter: `shard#${shard}#${counter}`, limit: shareOf(limit, shard) };
}

function shareOf(limit: number, shard: number): number {
  return Math.max(0, Math.floor(limit / shards) + (shard < limit % shards ? 1 : 0));
}

function isWide({ limit, shard }: Cap): boolean {
  return limit >= fewestPlaces || shard !== undefined;
}

/**
 * The same caps, each wide one with the shard in which a job takes its place first: jobs that come together take turns.
 */
export function homeShards(caps: readonly Cap[], job: JobKey): readonly Cap[] {
  const home = (parseJobKey(job)?.jobId ?? 0) % shards;
  return caps.map((cap) => (isWide(cap) ? { ...cap, shard: home } : cap));
}

/** The same caps, each full one with a shard that has room; null when one has no room anywhere. */
export async function otherShards(
  store: Pick<RunnersStore, 'placesTaken'>,
  caps: readonly Cap[],
  isFull: (cap: Cap) => boolean,
): Promise<readonly Cap[] | null> {
  const full = caps.filter(isFull);
  if (full.some(({ shard }) => shard === undefined)) return null;
  const taken = await store.placesTaken(full.flatMap(countersOf));
  const found = caps.map((cap) => (isFull(cap) ? withRoom(cap, taken) : cap));
  return found.some((cap) => cap === null) ? null : found.filter((cap) => cap !== null);
}

function withRoom(cap: Cap, taken: ReadonlyMap<string, number>): Cap | null {
  const { shard: home = 0, limit } = cap;
  const left = limit - (taken.get(cap.counter) ?? 0);
  for (let step = 0; step < shards; step += 1) {
    const shard = (home + step) % shards;
    const place = placeOf({ ...cap, limit: left, shard });
    if ((taken.get(place.counter) ?? 0) < place.limit) return { ...cap, shard };
  }
  return null;
}

/** How many places are taken under each cap, by its counter. */
export async function placesUnder(
  store: Pick<RunnersStore, 'placesTaken'>,
  items: readonly Pick<RunnerItem, 'caps'>[],
): Promise<ReadonlyMap<string, number>> {
  const partsOf = new Map<string, readonly string[]>();
  for (const { caps } of items) {
    for (const cap of caps) if (isWide(cap) || !partsOf.has(cap.counter)) partsOf.set(cap.counter, countersOf(cap));
  }
  const taken = await store.placesTaken([...partsOf.values()].flat());
  const sum = (counters: readonly string[]) => counters.reduce((total, one) => total + (taken.get(one) ?? 0), 0);
  return new Map([...partsOf].map(([counter, parts]) => [counter, sum(parts)]));
}

function countersOf(cap: Cap): readonly string[] {
  if (!isWide(cap)) return [cap.counter];
  return [cap.counter, ...Array.from({ length: shards }, (_, shard) => placeOf({ ...cap, shard }).counter)];
}
