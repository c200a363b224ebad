import type { JobEvent } from '../../infrastructure/kit/job-event.ts';
import { jobKeyOf } from '../../infrastructure/kit/job-key.ts';
import { excuse } from '../demand/admission.ts';
import {
  attemptsUsed,
  expiryOf,
  liveMark,
  type RunnerItem,
  type RunnerState,
  type Wait,
} from '../runner-store/runner-item.ts';
import { RunnerStateChangedError, type RunnersStore, type StoreWrite } from '../runner-store/runners-store.ts';
import { hostTicketIdOf } from '../runner-store/ticket-place.ts';
import { placeOf } from '../runner-store/wide-caps.ts';

/** Longer than any start workflow can still run, with its retries. */
const tombstoneSeconds = 60 * 60;

export type EndRunnerPorts = { readonly store: RunnersStore; readonly now: () => number };

/**
 * What becomes of an attempt that ends: it did what it was for; it failed, which counts; or it could not be, and its
 * job waits for another one as long as it takes.
 */
export type AttemptEnd =
  | { readonly state: 'RELEASED' }
  | { readonly state: 'FAILED'; readonly failure: string }
  | { readonly state: 'WAITING'; readonly waitsFor: Wait };

export type RunnerEnd = {
  readonly from: readonly RunnerState[];
  readonly end: AttemptEnd;
  /** What else must hold, or is not done either; the tickets in it are not removed anyway. */
  readonly also?: readonly StoreWrite[];
};

/**
 * Ends a runner's item in one transaction: its state, the places under its caps, and its ticket, if nobody claimed it.
 * A job that is not over keeps its item among the live ones.
 *
 * @throws {RunnerStateChangedError} when the item is in none of the states of `from`.
 */
export async function endRunner(ports: EndRunnerPorts, item: RunnerItem, end: RunnerEnd): Promise<void> {
  try {
    await writeEnd(ports, item, end);
  } catch (error) {
    const current = error instanceof RunnerStateChangedError ? await ports.store.read(item.pk) : null;
    const onlyTheJobWentOn =
      current?.attempt === item.attempt && end.from.includes(current.state) && current.jobState !== item.jobState;
    if (onlyTheJobWentOn) return endRunner(ports, current, end);
    throw error;
  }
}

/** Whether an item took a step since it was read; when it did not, a refused write would be refused again. */
export function hasGoneOn(seen: RunnerItem, current: RunnerItem | null): boolean {
  return (['state', 'attempt', 'jobState'] as const).some((key) => seen[key] !== current?.[key]);
}

async function writeEnd({ store, now }: EndRunnerPorts, item: RunnerItem, end: RunnerEnd): Promise<void> {
  const jobIsOver = item.jobState === 'FINISHED';
  const { also = [] } = end;
  const outcome: AttemptEnd = jobIsOver && end.end.state === 'WAITING' ? { state: 'RELEASED' } : end.end;
  const others = ticketIdsOf(item).filter(
    (id) => !also.some((part) => part.kind === 'take-ticket-back' && part.id === id),
  );
  const at = now();
  await store.write(
    {
      kind: 'update',
      job: item.pk,
      from: end.from,
      attempt: item.attempt,
      // Had the job ended between our read and this write, its item would stay live for ever.
      only: { jobState: item.jobState },
      set: {
        ...outcome,
        ...(outcome.state === 'WAITING' ? givenUp(item) : {}),
        stoppedAt: new Date(at).toISOString(),
        ...(jobIsOver ? { expiresAt: expiryOf(at) } : {}),
      },
      // The launch group stays: should its launch not be finished, its messages still find it.
      remove: [
        ...(jobIsOver ? ['live' as const] : []),
        ...(outcome.state === 'WAITING' ? ['takenJob' as const] : []),
        ...(item.gated ? (['turnAt', 'pausedAt', 'unpausedAt'] as const) : []),
      ],
    },
    ...also,
    ...item.caps.map((cap) => ({ kind: 'give-place-back', cap: placeOf(cap) }) as const),
    ...others.map((id) => ({ kind: 'remove-ticket', id }) as const),
  );
}

/** What an attempt leaves that counts for nothing. */
function givenUp(item: RunnerItem): Partial<RunnerItem> {
  return { attemptBegun: true, excusedAttempts: excuse(item).excusedAttempts };
}

/** A job that waited ends without having held a place. */
export async function leaveQueue(ports: EndRunnerPorts, item: RunnerItem): Promise<void> {
  const now = ports.now();
  await ports.store.write({
    kind: 'update',
    job: item.pk,
    from: ['WAITING'],
    attempt: item.attempt,
    set: { state: 'RELEASED', stoppedAt: new Date(now).toISOString(), expiresAt: expiryOf(now) },
    remove: ['live'],
  });
}

/**
 * Writes down that nothing could be begun for a job, and why: it waits. Returns the job's item, null when the job has a
 * runner, has had all its attempts, or is over.
 *
 * @param waitFor what it waits for, given its item as it is.
 */
export async function recordWait(
  store: RunnersStore,
  event: JobEvent,
  waitFor: (item: RunnerItem | null) => Wait,
  limits: { readonly now: number; readonly maxAttempts: number },
): Promise<RunnerItem | null> {
  const current = await store.read(jobKeyOf(event));
  if (!current) {
    // A hook that calls it running and names no runner may be the only word of a job that waits.
    const jobState = event.status === 'running' && event.runnerId !== null ? 'RUNNING' : 'PENDING';
    const first: RunnerItem = { ...bareItem(event, limits.now), jobState, waitsFor: waitFor(null), live: liveMark };
    return (await putIfAbsent(store, first)) ? first : recordWait(store, event, waitFor, limits);
  }
  const begun = whatWaits(current, limits);
  if (!begun) return null;
  const set = { ...begun, state: 'WAITING', waitsFor: waitFor(current) } as const;
  try {
    const { pk: job, state, attempt, jobState } = current;
    await store.write({ kind: 'update', job, from: [state], attempt, only: { jobState }, set, remove: ['takenJob'] });
  } catch (error) {
    // Somebody else was faster: look again, as long as it went on.
    if (error instanceof RunnerStateChangedError && hasGoneOn(current, await store.read(current.pk)))
      return recordWait(store, event, waitFor, limits);
    throw error;
  }
  return { ...current, ...set };
}

/** What becomes of the last attempt of a job that waits now; null when it is not to wait. */
function whatWaits(item: RunnerItem, { maxAttempts }: { readonly maxAttempts: number }): Partial<RunnerItem> | null {
  if (item.jobState === 'FINISHED') return null;
  switch (item.state) {
    case 'WAITING':
      return {};
    case 'FAILED':
      return attemptsUsed(item) < maxAttempts ? { attemptBegun: true } : null;
    case 'RELEASED':
      return givenUp(item);
    default:
      return null;
  }
}

/**
 * Marks a job as over of which we know nothing: it was canceled while a workflow may just be choosing its runner, which
 * then finds this item and admits nothing.
 */
export async function recordTombstone(store: RunnersStore, event: JobEvent, now: number): Promise<void> {
  await putIfAbsent(store, {
    ...bareItem(event, now),
    state: 'RELEASED',
    jobState: 'FINISHED',
    expiresAt: Math.floor(now / 1_000) + tombstoneSeconds,
  });
}

/** False when there is an item already. */
async function putIfAbsent(store: RunnersStore, item: RunnerItem): Promise<boolean> {
  try {
    await store.write({ kind: 'put', item, over: null });
    return true;
  } catch (error) {
    if (error instanceof RunnerStateChangedError) return false;
    throw error;
  }
}

/** An item of a job for which nothing was chosen yet. */
function bareItem(event: JobEvent, now: number): RunnerItem {
  return {
    pk: jobKeyOf(event),
    state: 'WAITING',
    jobState: 'PENDING',
    attempt: 1,
    admittedBy: '',
    event,
    type: 'EC2',
    profile: '',
    functionArn: null,
    mapping: null,
    tags: [],
    timeoutSeconds: 0,
    caps: [],
    admittedAt: new Date(now).toISOString(),
  };
}

function ticketIdsOf(item: RunnerItem): string[] {
  return [...new Set([item.pk, item.ticketId, hostTicketIdOf(item)].filter((id) => id !== undefined))];
}
