import { isDeepStrictEqual } from 'node:util';
import type { JobEventType } from '../../infrastructure/kit/job-event-types.ts';
import { parseJobKey } from '../../infrastructure/kit/job-key.ts';
import type { Log } from '../../infrastructure/kit/lambda/log.ts';
import { heldTicket, ticketLifeSeconds } from '../../infrastructure/kit/runner-ticket.ts';
import type { EventBus } from '../events/event-bus.ts';
import { runnerFailedType } from '../events/runner-failed.ts';
import { attemptOf, type GateItem, type WrittenTurn } from '../runner-store/gate-item.ts';
import { mayBePaused, notItsTurn, waitsForTurn } from '../runner-store/held.ts';
import type { RunnerItem } from '../runner-store/runner-item.ts';
import {
  RunnerStateChangedError,
  type RunnersStore,
  type RunnerUpdate,
  type StoreWrite,
} from '../runner-store/runners-store.ts';
import { hostTicketIdOf } from '../runner-store/ticket-place.ts';
import type { Turn, Turns } from './decide-turns.ts';
import { type GateLook, isPaused, isToBeGivenUp } from './gate-view.ts';
import { type PausePorts, unpause } from './pause.ts';

export type CarryOutTurnsPorts = PausePorts & { readonly bus: EventBus };

/** DynamoDB takes a hundred parts of a transaction, and each runner needs up to three. */
const mostRunners = 30;
/** An event that let a job start may have been lost when it has not begun by then. */
const startMilliseconds = 20_000;

export type WrittenTurns = {
  readonly go: readonly Turn[];
  readonly hold: readonly string[];
  /** All who may ask from now on. */
  readonly mayAsk: readonly string[];
  readonly givePlaceBack: readonly string[];
  /** There is more to decide than fits into one write. */
  readonly isPart: boolean;
};

/**
 * Writes a decision down together with what it does to runners, all or nothing.
 *
 * @throws {RunnerStateChangedError} when another decision was made, or a runner took a step, since it was looked.
 */
export async function carryOutTurns(
  look: GateLook,
  { go, hold, outOfTurn, turns, stuck, holds, givePlaceBack }: Turns,
  { store }: Pick<CarryOutTurnsPorts, 'store'>,
): Promise<WrittenTurns> {
  const { gate, now } = look;
  const items = itemsOf(look);
  const partsOf = async (key: string, work: typeof partsToGo) => {
    const item = items.get(key);
    return item ? work(item, now, store) : null;
  };
  const some = go.slice(0, Math.max(0, mostRunners - hold.length));
  const parts = new Map<string, readonly StoreWrite[]>();
  for (const { key } of some) {
    const its = await partsOf(key, partsToGo);
    if (its) parts.set(key, its);
  }
  const gone = some.filter(({ key }) => parts.has(key));
  for (const key of hold) {
    const item = items.get(key);
    const isStill = item && isPaused(item, look);
    parts.set(key, isStill ? [holdPaused(item)] : ((await partsOf(key, partsToHold)) ?? []));
  }
  const mayAsk = Object.entries(turns).filter(([key]) => parts.has(key) || !go.some((one) => one.key === key));
  const next: GateItem = {
    ...gate,
    version: gate.version + 1,
    turns: mayAsk.flatMap(([key, jobId]): WrittenTurn[] => {
      const item = items.get(key);
      return item ? [{ runnerOf: item.pk, attempt: attemptOf(item), jobId }] : [];
    }),
    stuck,
    holds,
  };
  if (parts.size > 0 || !isSame(gate, next)) {
    await store.write({ kind: 'put-gate', gate: next, over: gate.version }, ...[...parts.values()].flat());
  }
  const inTurn = mayAsk.map(([key]) => key).filter((key) => !outOfTurn.includes(key));
  return { go: gone, hold, mayAsk: inTurn, givePlaceBack, isPart: some.length < go.length };
}

function itemsOf({ items, written }: GateLook): ReadonlyMap<string, RunnerItem> {
  return new Map([...items, ...written].flatMap((item) => (item ? [[item.pk, item]] : [])));
}

/**
 * What follows from a decision: jobs that wait are started, and runners that are in the way end. All of it may be done
 * again.
 */
export async function followUp(
  look: GateLook,
  { go, hold, mayAsk, givePlaceBack }: WrittenTurns,
  ports: CarryOutTurnsPorts,
  log: Log,
): Promise<void> {
  const { bus } = ports;
  const items = itemsOf(look);
  const isForgotten = ({ turnAt }: RunnerItem) => look.now - Date.parse(turnAt ?? '') >= startMilliseconds;
  const started = go.flatMap(({ key }) => items.get(key) ?? []).filter(({ state }) => state === 'WAITING');
  const forgotten = look.written.filter((item) => item && waitsForTurn(item) && isForgotten(item));
  for (const item of [...started, ...forgotten]) {
    if (item) await bus.tell('Job Pending' satisfies JobEventType, { ...item.event, deliveryId: null });
  }
  for (const item of mayAsk.flatMap((key) => items.get(key) ?? [])) {
    if (mayBePaused(item)) await unpause(item.pk, look.now, ports, log);
  }
  for (const item of givePlaceBack.flatMap((key) => items.get(key) ?? [])) {
    log.info('a held runner gives its place to an earlier job', { runnerOf: item.pk });
    await giveUp(item, 'an earlier job waits for the place that it held', bus);
  }
  for (const item of items.values()) {
    if (givePlaceBack.includes(item.pk)) continue;
    const { turnAt: _, ...held } = item;
    if (isToBeGivenUp(hold.includes(item.pk) ? held : item))
      await giveUp(item, 'an earlier job came that is to run elsewhere', bus);
  }
}

/** Its job waits for its turn without a runner, which costs no attempt. */
function giveUp({ pk, attempt }: RunnerItem, cause: string, bus: EventBus): Promise<void> {
  return bus.tell(runnerFailedType, { ...parseJobKey(pk), attempt, event: null, error: notItsTurn, cause });
}

/** Null for a runner whose token is gone: nothing would come of letting it go. */
async function partsToGo(item: RunnerItem, now: number, store: RunnersStore): Promise<readonly StoreWrite[] | null> {
  const hostTicketId = hostTicketIdOf(item);
  const set = { turnAt: new Date(now).toISOString() };
  // Its host has the token already: it asks as soon as it is unpaused.
  if (mayBePaused(item)) return [{ ...asSeen(item), set }];
  // Where there is no host yet, the ticket is put there as soon as there is one.
  if (item.state !== 'LAUNCHED' || hostTicketId === undefined) return [{ ...asSeen(item), set }];
  const ticket = await store.readTicket(item.pk);
  if (!ticket) return null;
  return [
    { ...asSeen(item), set: { ...set, ticketId: hostTicketId } },
    { kind: 'put-ticket', ticket: { ...ticket, id: hostTicketId, expiresAt: expiryOf(now) } },
    { kind: 'remove-ticket', id: item.pk },
  ];
}

/** Refused when the host has claimed its ticket. */
async function partsToHold(item: RunnerItem, now: number, store: RunnersStore): Promise<readonly StoreWrite[]> {
  const { pk } = item;
  const hostTicketId = hostTicketIdOf(item);
  const remove = ['turnAt'] as const;
  if (item.state !== 'LAUNCHED' || hostTicketId === undefined) return [{ ...asSeen(item), remove }];
  const ticket = await store.readTicket(hostTicketId);
  if (!ticket?.token) throw new RunnerStateChangedError(`${pk}: its host has claimed its ticket`, []);
  const expiresAt = expiryOf(now);
  return [
    { ...asSeen(item), set: { ticketId: pk }, remove },
    { kind: 'put-ticket', ticket: { ...ticket, id: pk, expiresAt } },
    { kind: 'replace-ticket', ticket: heldTicket(hostTicketId, pk, expiresAt) },
  ];
}

/** Of a runner that asks for nothing, since it is paused. */
function holdPaused(item: RunnerItem): RunnerUpdate {
  return { ...asSeen(item), remove: ['turnAt'] };
}

function asSeen(item: RunnerItem): RunnerUpdate {
  const { pk, state, attempt, jobState, turnAt, instanceId, pausedAt, unpausedAt } = item;
  return {
    kind: 'update',
    job: pk,
    from: [state],
    attempt,
    only: { jobState, turnAt, instanceId, pausedAt, unpausedAt, takenJob: undefined },
  };
}

function expiryOf(now: number): number {
  return Math.floor(now / 1_000) + ticketLifeSeconds;
}

function isSame(a: GateItem, b: GateItem): boolean {
  const { version: _, ...before } = a;
  const { version: __, ...after } = b;
  return isDeepStrictEqual(before, after);
}
