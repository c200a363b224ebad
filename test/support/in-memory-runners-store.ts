import { isDeepStrictEqual } from 'node:util';
import { type GateItem, gateKeyOf } from '../../autoscaler/runner-store/gate-item.ts';
import { poolOf } from '../../autoscaler/runner-store/live-pool.ts';
import type { RunnerItem } from '../../autoscaler/runner-store/runner-item.ts';
import {
  RunnerStateChangedError,
  type RunnersStore,
  type StoreWrite,
} from '../../autoscaler/runner-store/runners-store.ts';
import type { JobKey } from '../../infrastructure/kit/job-key.ts';
import type { RunnerTicket } from '../../infrastructure/kit/runner-ticket.ts';

export type InMemoryRunnersStore = RunnersStore & {
  readonly items: Map<JobKey, RunnerItem>;
  readonly tickets: Map<string, RunnerTicket>;
  readonly counters: Map<string, number>;
  readonly gates: Map<string, GateItem>;
};

/** The tables in memory, with the same conditions and the same all-or-nothing as the ones in DynamoDB. */
export function inMemoryRunnersStore(...items: readonly RunnerItem[]): InMemoryRunnersStore {
  const store = {
    items: new Map(items.map((item) => [item.pk, item])),
    tickets: new Map<string, RunnerTicket>(),
    counters: new Map<string, number>(),
    gates: new Map<string, GateItem>(),
  };
  return {
    ...store,
    read: async (job) => store.items.get(job) ?? null,
    readByRunnerId: async (runnerId) => [...store.items.values()].find((item) => item.runnerId === runnerId) ?? null,
    readByInstanceId: async (instanceId) =>
      [...store.items.values()].find((item) => item.instanceId === instanceId) ?? null,
    readLive: async () =>
      [...store.items.values()].filter((item) => item.live).sort((a, b) => (a.admittedAt < b.admittedAt ? -1 : 1)),
    readLiveOf: async (pool) =>
      [...store.items.values()]
        .filter((item) => item.live && poolOf(item) === pool)
        .sort((a, b) => (a.admittedAt < b.admittedAt ? -1 : 1)),
    readWaiting: async (after) => waitingAfter(after, [...store.items.values()]),
    placesTaken: async (counters) => new Map(counters.map((counter) => [counter, store.counters.get(counter) ?? 0])),
    readGate: async (projectId) => store.gates.get(gateKeyOf(projectId)) ?? null,
    readTicket: async (id) => store.tickets.get(id) ?? null,
    async write(...parts) {
      const keys = parts.map(keyOf);
      const twice = keys.find((key, index) => keys.indexOf(key) !== index);
      if (twice) throw new Error(`DynamoDB refuses a transaction that names an item twice: ${twice}`);
      const refused = parts.flatMap((part, index) => (holds(part, store) ? [] : [index]));
      if (refused.length > 0) throw new RunnerStateChangedError('a condition does not hold', refused);
      for (const part of parts) apply(part, store);
    },
  };
}

/** Pages of two, so that there is a next one. */
export function waitingAfter(after: RunnerItem | null, items: readonly RunnerItem[]): readonly RunnerItem[] {
  const place = ({ admittedAt, pk }: RunnerItem) => `${admittedAt} ${pk}`;
  return items
    .filter((item) => item.live === 'waiting' && (!after || place(item) > place(after)))
    .sort((a, b) => (place(a) < place(b) ? -1 : 1))
    .slice(0, 2);
}

type Tables = Pick<InMemoryRunnersStore, 'items' | 'tickets' | 'counters' | 'gates'>;

function keyOf(part: StoreWrite): string {
  switch (part.kind) {
    case 'update':
      return part.job;
    case 'put':
      return part.item.pk;
    case 'take-place':
    case 'give-place-back':
      return part.cap.counter;
    case 'put-gate':
      return part.gate.pk;
    case 'put-ticket':
    case 'replace-ticket':
      return `ticket ${part.ticket.id}`;
    case 'remove-ticket':
    case 'take-ticket-back':
      return `ticket ${part.id}`;
  }
}

function holds(part: StoreWrite, { items, tickets, counters, gates }: Tables): boolean {
  switch (part.kind) {
    case 'update': {
      const item = items.get(part.job);
      if (!item || !part.from.includes(item.state)) return false;
      if (part.attempt !== undefined && item.attempt !== part.attempt) return false;
      return Object.entries(part.only ?? {}).every(([name, value]) =>
        isDeepStrictEqual(item[name as keyof RunnerItem], value),
      );
    }
    case 'put': {
      const item = items.get(part.item.pk);
      if (!part.over || !item) return !part.over && !item;
      const same = [
        'state',
        'attempt',
        'admittedBy',
        'jobState',
        'attemptBegun',
        ...(part.over.gated ? ['turnAt' as const] : []),
      ] as const;
      return same.every((name) => item[name] === part.over?.[name]);
    }
    case 'take-place':
      return (counters.get(part.cap.counter) ?? 0) < part.cap.limit;
    case 'give-place-back':
      return (counters.get(part.cap.counter) ?? 0) > 0;
    case 'take-ticket-back':
      return tickets.has(part.id);
    case 'replace-ticket':
      return (tickets.get(part.ticket.id)?.token ?? '') !== '';
    case 'put-gate':
      return (gates.get(part.gate.pk)?.version ?? 0) === part.over;
    default:
      return true;
  }
}

function apply(part: StoreWrite, { items, tickets, counters, gates }: Tables): void {
  switch (part.kind) {
    case 'update': {
      const item: Record<string, unknown> = { ...items.get(part.job) };
      for (const [name, value] of Object.entries(part.set ?? {})) if (value !== undefined) item[name] = value;
      for (const name of part.remove ?? []) delete item[name];
      items.set(part.job, item as RunnerItem);
      return;
    }
    case 'put':
      items.set(part.item.pk, part.item);
      return;
    case 'take-place':
      counters.set(part.cap.counter, (counters.get(part.cap.counter) ?? 0) + 1);
      return;
    case 'give-place-back':
      counters.set(part.cap.counter, (counters.get(part.cap.counter) ?? 0) - 1);
      return;
    case 'put-gate':
      gates.set(part.gate.pk, part.gate);
      return;
    case 'put-ticket':
    case 'replace-ticket':
      tickets.set(part.ticket.id, part.ticket);
      return;
    case 'remove-ticket':
    case 'take-ticket-back':
      tickets.delete(part.id);
  }
}
