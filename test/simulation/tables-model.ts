import { poolOf } from '../../autoscaler/runner-store/live-pool.ts';
import type { RunnerItem } from '../../autoscaler/runner-store/runner-item.ts';
import type { RunnersStore, StoreWrite } from '../../autoscaler/runner-store/runners-store.ts';
import { functionTicketId } from '../../autoscaler/runner-store/ticket-place.ts';
import type { JobKey } from '../../infrastructure/kit/job-key.ts';
import type { RunnerTicket } from '../../infrastructure/kit/runner-ticket.ts';
import { inMemoryRunnersStore, waitingAfter } from '../support/in-memory-runners-store.ts';
import type { Faults } from './faults.ts';
import type { Random } from './random.ts';
import type { VirtualTime } from './virtual-time.ts';

export class PassingTroubleError extends Error {
  override readonly name: string;
  constructor(name: string) {
    super('passing trouble of DynamoDB');
    this.name = name;
  }
}

/** Throttling, and an update that meets a transaction. */
const busyErrors = ['ThrottlingException', 'TransactionConflictException'];

/** Who asks for a ticket: what IAM knows of a host. */
export type Asker =
  | { readonly kind: 'instance'; readonly name: string }
  | { readonly kind: 'function'; readonly profile: string };

/** The policies of `ticket-rights.construct.ts`. */
function mayClaim(id: string, asker: Asker): boolean {
  switch (asker.kind) {
    case 'instance':
      return id === asker.name;
    case 'function':
      return id.startsWith(functionTicketId(asker.profile, ''));
  }
}

export type TablesModel = ReturnType<typeof createTablesModel>;

/** The tables in DynamoDB: transactions that conflict, answers that get lost, and indexes that lag. */
export function createTablesModel({
  time,
  faults,
  random,
  onWrite,
}: {
  readonly time: VirtualTime;
  readonly faults: Faults;
  readonly random: Random;
  readonly onWrite: (parts: readonly StoreWrite[]) => void;
}) {
  const inner = inMemoryRunnersStore();
  /** What each item was, and since when: the indexes show the past. */
  const versions = new Map<JobKey, { readonly at: number; readonly item: RunnerItem }[]>();

  function then(): number {
    if (faults.isOn('index-stale')) return time.now() - random.whole(500, 5_000);
    return time.now() - (random.chance(0.3) ? random.whole(1, 200) : 0);
  }
  function asOf(at: number): RunnerItem[] {
    const shown = [...versions.values()].map((list) => list.findLast((version) => version.at <= at)?.item);
    return shown.filter((item) => item !== undefined);
  }
  function note(parts: readonly StoreWrite[]): void {
    for (const part of parts) {
      if (part.kind !== 'update' && part.kind !== 'put') continue;
      const key = part.kind === 'update' ? part.job : part.item.pk;
      const item = inner.items.get(key);
      const list = versions.get(key) ?? [];
      versions.set(key, list);
      if (item) list.push({ at: time.now(), item });
    }
    onWrite(parts);
  }

  /** Every other request of those that the SDK and our client have tried for some seconds. */
  function giveWay(several: boolean): void {
    if (!faults.isOn('tables-busy') || random.chance(0.5)) return;
    throw new PassingTroubleError(several ? 'TransactionCanceledException' : random.pick(busyErrors));
  }

  const store: RunnersStore = {
    ...inner,
    async read(job) {
      giveWay(false);
      return inner.read(job);
    },
    async readByRunnerId(runnerId) {
      const found = asOf(then()).find((item) => item.runnerId === runnerId);
      const item = found ? await inner.read(found.pk) : null;
      return item?.runnerId === runnerId ? item : null;
    },
    async readByInstanceId(instanceId) {
      const found = asOf(then()).find((item) => item.instanceId === instanceId);
      const item = found ? await inner.read(found.pk) : null;
      return item?.instanceId === instanceId ? item : null;
    },
    async readLive() {
      return asOf(then())
        .filter((item) => item.live)
        .sort((a, b) => (a.admittedAt < b.admittedAt ? -1 : 1));
    },
    async readLiveOf(pool) {
      return asOf(then())
        .filter((item) => item.live && poolOf(item) === pool)
        .sort((a, b) => (a.admittedAt < b.admittedAt ? -1 : 1));
    },
    async readWaiting(after) {
      return waitingAfter(after, asOf(then()));
    },
    async write(...parts) {
      const several = parts.length > 1;
      giveWay(several);
      if (several && faults.strikeNth('write-conflict')) throw new PassingTroubleError('TransactionCanceledException');
      if (faults.strikeNth('write-throttled')) throw new PassingTroubleError('ThrottlingException');
      const unanswered = faults.strikeNth('write-unanswered');
      await inner.write(...parts);
      note(parts);
      if (!unanswered) return;
      // The SDK sends it again: a transaction knows its token, a single write meets itself.
      if (several) throw new PassingTroubleError('InternalServerError');
      await inner.write(...parts);
    },
  };
  return {
    store,
    items: inner.items,
    tickets: inner.tickets,
    counters: inner.counters,
    /** What a host does: DeleteItem that returns the old item, and that IAM allows on a key of its own alone. */
    claim(id: string, asker: Asker): RunnerTicket | null {
      if (!mayClaim(id, asker)) return null;
      const ticket = inner.tickets.get(id) ?? null;
      inner.tickets.delete(id);
      return ticket;
    },
    note,
  };
}
