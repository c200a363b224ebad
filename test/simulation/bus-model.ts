import type { Faults } from './faults.ts';
import type { Random } from './random.ts';
import type { VirtualTime } from './virtual-time.ts';

export type BusEvent = { readonly type: string; readonly detail: unknown };

/** EventBridge: at least once, in any order, and with an archive. */
export function createBusModel({
  time,
  faults,
  random,
  deliver,
}: {
  readonly time: VirtualTime;
  readonly faults: Faults;
  readonly random: Random;
  readonly deliver: (event: BusEvent) => void;
}) {
  const archive: BusEvent[] = [];
  let underWay = 0;

  function deliverIn(milliseconds: number, event: BusEvent): void {
    underWay += 1;
    time.after(milliseconds, () => {
      underWay -= 1;
      deliver(event);
    });
  }
  function put(type: string, detail: unknown): void {
    const event = { type, detail: JSON.parse(JSON.stringify(detail)) as unknown };
    archive.push(event);
    const lost = faults.strikeNth('event-lost');
    const delayed = faults.strikeNth('event-delayed');
    const repeated = faults.strikeNth('event-repeated');
    if (lost) return;
    deliverIn((delayed?.seconds ?? 0) * 1_000 + random.whole(40, 700), event);
    if (repeated) deliverIn(random.whole(0, 20_000), event);
  }
  return {
    put,
    isEmpty: () => underWay === 0,
    /** Sends all that ever came once more, as a person may. */
    replay(): void {
      for (const event of [...archive]) deliverIn(random.whole(0, 30_000), event);
    },
  };
}
