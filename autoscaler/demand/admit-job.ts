import type { JobKey } from '../../infrastructure/kit/job-key.ts';
import { waitsForTurn } from '../runner-store/held.ts';
import { CapReachedError, JobAlreadyAdmittedError, NotItsTurnError } from '../runner-store/runner-errors.ts';
import type { Cap, RunnerItem } from '../runner-store/runner-item.ts';
import { RunnerStateChangedError, type RunnersStore } from '../runner-store/runners-store.ts';
import { homeShards, otherShards, placeOf } from '../runner-store/wide-caps.ts';
import {
  type AdmissionRequest,
  isOfKind,
  itemBeforeTurn,
  judgeAdmission,
  waitingItem,
  waitsBeforeAdmission,
} from './admission.ts';

/**
 * Admits a job: its item and the counters of its caps move in one transaction, the single gate before any side effect.
 *
 * @returns the item of the attempt that begins.
 * @throws {JobAlreadyAdmittedError} for a duplicate, or when the job has used up its attempts.
 * @throws {CapReachedError} when a cap is reached: the job is WAITING then.
 * @throws {NotItsTurnError} when a runner of the job could only take another one: it is WAITING then.
 */
export async function admitJob(store: RunnersStore, job: JobKey, request: AdmissionRequest): Promise<RunnerItem> {
  const current = await store.read(job);
  const verdict = judgeAdmission(current, request);
  if (verdict.kind === 'already-ours') return verdict.item;
  if (verdict.kind === 'refuse')
    throw new JobAlreadyAdmittedError(`${job} gets no runner from this event: ${verdict.why}`);
  const { item } = verdict;
  if (waitsBeforeAdmission(current, item)) {
    await waitForTurn(store, item, current, request.now);
    throw new NotItsTurnError(`${job} waits for its turn`);
  }
  const first = await takePlaces(store, current, item);
  if (first.kind === 'taken') return first.item;

  // Whoever waits already keeps his place in the queue.
  if (current?.state === 'WAITING' && !current.waitsFor) throw capReached(job, first.full);

  // Wait in the table first and try once more then: a place that became free in between would else wake nobody.
  const waiting = waitingItem(item);
  await store.write({ kind: 'put', item: waiting, over: current }).catch(unlessWritten(store, waiting));
  const second = await takePlaces(store, waiting, item);
  if (second.kind === 'taken') return second.item;
  throw capReached(job, second.full);
}

async function waitForTurn(store: RunnersStore, item: RunnerItem, current: RunnerItem | null, now: string) {
  const waiting = itemBeforeTurn(item, current, now);
  const isNew = !current || !waitsForTurn(current) || !isOfKind(current, waiting) || current.turnAt !== undefined;
  if (isNew) await store.write({ kind: 'put', item: waiting, over: current }).catch(unlessWritten(store, waiting));
}

function capReached(job: JobKey, full: readonly Cap[]): CapReachedError {
  const limits = full.map(({ counter, limit }) => `${counter} allows ${limit} at the same time`).join(', ');
  return new CapReachedError(`${job} waits: ${limits}`);
}

/** Shards that were full by the time that a place was to be taken, before it is said that there is none. */
const mostShardsTried = 5;

type Places =
  | { readonly kind: 'taken'; readonly item: RunnerItem }
  | { readonly kind: 'full'; readonly full: readonly Cap[] };

/**
 * Writes the admitted item and counts it under its caps, all or nothing: wide caps in a shard that has room, if any
 * has.
 */
async function takePlaces(store: RunnersStore, over: RunnerItem | null, item: RunnerItem): Promise<Places> {
  let caps: readonly Cap[] = homeShards(item.caps, item.pk);
  const earlier = await placesOfEarlier(store, caps);
  for (let tries = 1; ; tries += 1) {
    const admitted = { ...item, caps };
    const places = caps.map((cap) => placeOf({ ...cap, limit: cap.limit - (earlier.get(cap.counter) ?? 0) }));
    const full = await writeWithPlaces(store, over, admitted, places);
    if (full.length === 0) return { kind: 'taken', item: admitted };
    const isFull = (cap: Cap) => full.includes(caps.indexOf(cap));
    const others = tries < mostShardsTried ? await otherShards(store, caps, isFull) : null;
    if (!others) return { kind: 'full', full: caps.filter(isFull) };
    caps = others;
  }
}

/** Under wide caps, the places that were taken before there were shards: they only become fewer. */
async function placesOfEarlier(store: RunnersStore, caps: readonly Cap[]): Promise<ReadonlyMap<string, number>> {
  const wide = caps.filter(({ shard }) => shard !== undefined);
  return wide.length === 0 ? new Map() : store.placesTaken(wide.map(({ counter }) => counter));
}

/** Positions of the caps that are full. */
async function writeWithPlaces(
  store: RunnersStore,
  over: RunnerItem | null,
  item: RunnerItem,
  places: readonly Cap[],
): Promise<readonly number[]> {
  try {
    await store.write({ kind: 'put', item, over }, ...places.map((cap) => ({ kind: 'take-place', cap }) as const));
    return [];
  } catch (error) {
    if (error instanceof RunnerStateChangedError && !error.refused.includes(0)) {
      return error.refused.map((part) => part - 1);
    }
    await unlessWritten(store, item)(error);
    return [];
  }
}

/**
 * A write whose answer was lost is sent again, and refused then since it has been made: that is no duplicate.
 * Whoever else wrote the item has another execution.
 */
function unlessWritten(store: RunnersStore, item: RunnerItem) {
  return async (error: unknown): Promise<void> => {
    if (!(error instanceof RunnerStateChangedError)) throw error;
    const current = await store.read(item.pk);
    const isWritten = (['state', 'attempt', 'admittedBy'] as const).every((key) => current?.[key] === item[key]);
    if (isWritten) return;
    throw new JobAlreadyAdmittedError(`${item.pk} was admitted by somebody else at the same moment`, { cause: error });
  };
}
