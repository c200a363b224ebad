import type { JobKey } from '../../infrastructure/lib/job-key.ts';
import { waitsForTurn } from '../gate/held.ts';
import {
  type AdmissionRequest,
  isOfKind,
  itemBeforeTurn,
  judgeAdmission,
  waitingItem,
  waitsBeforeAdmission,
} from './admission.ts';
import { CapReachedError, JobAlreadyAdmittedError, NotItsTurnError } from './runner-errors.ts';
import type { Cap, RunnerItem } from './runner-item.ts';
import { RunnerStateChangedError, type RunnersStore } from './runners-store.ts';

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
  const full = await takePlaces(store, current, item);
  if (full.length === 0) return item;

  // Whoever waits already keeps his place in the queue.
  if (current?.state === 'WAITING' && !current.waitsFor) throw capReached(job, full);

  // Wait in the table first and try once more then: a place that became free in between would else wake nobody.
  const waiting = waitingItem(item);
  await store.write({ kind: 'put', item: waiting, over: current }).catch(unlessWritten(store, waiting));
  const stillFull = await takePlaces(store, waiting, item);
  if (stillFull.length === 0) return item;
  throw capReached(job, stillFull);
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

/** Writes the admitted item and counts it under its caps, all or nothing; returns the caps that are full. */
async function takePlaces(store: RunnersStore, over: RunnerItem | null, item: RunnerItem): Promise<readonly Cap[]> {
  try {
    await store.write({ kind: 'put', item, over }, ...item.caps.map((cap) => ({ kind: 'take-place', cap }) as const));
    return [];
  } catch (error) {
    const full = error instanceof RunnerStateChangedError && !error.refused.includes(0) ? error.refused : null;
    if (full) return item.caps.filter((_, index) => full.includes(index + 1));
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
