import type { SQSBatchResponse } from 'aws-lambda';
import type * as z from 'zod/mini';
import type { launchBatchSchema } from '../../autoscaler/runner-types/ec2/launch-instances.lambda.ts';
import type { Faults } from './faults.ts';
import type { Random } from './random.ts';
import type { VirtualTime } from './virtual-time.ts';

type Batch = z.output<typeof launchBatchSchema>;
type Message = { readonly id: string; readonly body: string; visibleAt: number; receives: number; deleted: boolean };

/** As in launch-queue.construct.ts. */
const visibilityMilliseconds = 90_000;
const maxReceiveCount = 30;
const batchMilliseconds = 1_000;

/** An SQS queue with its Lambda: at least once, up to ten at a time, and hidden while they are worked on. */
export function createQueueModel({
  time,
  faults,
  random,
  consume,
}: {
  readonly time: VirtualTime;
  readonly faults: Faults;
  readonly random: Random;
  readonly consume: (batch: Batch) => Promise<SQSBatchResponse>;
}) {
  const messages = new Map<string, Message>();
  let sent = 0;

  function poll(): void {
    const ready = [...messages.values()].filter(({ visibleAt }) => visibleAt <= time.now()).slice(0, 10);
    const live = ready.filter((message) => {
      if (message.receives < maxReceiveCount) return true;
      faults.count('dead-letter');
      messages.delete(message.id);
      return false;
    });
    if (live.length > 0) void deliver(live);
  }
  function pollAt(at: number): void {
    // Deliveries come together: whoever is ready then is in one batch.
    time.after(Math.ceil(at / batchMilliseconds) * batchMilliseconds - time.now(), poll);
  }

  async function deliver(batch: readonly Message[]): Promise<void> {
    for (const message of batch) {
      message.receives += 1;
      message.visibleAt = time.now() + visibilityMilliseconds;
    }
    const Records = batch.map(({ id, body, receives }) => ({
      messageId: id,
      receiptHandle: id,
      body,
      attributes: { ApproximateReceiveCount: String(receives) },
    }));
    const failed = await consume({ Records }).then(
      ({ batchItemFailures }) => new Set(batchItemFailures.map(({ itemIdentifier }) => itemIdentifier)),
      () => null,
    );
    for (const message of batch) {
      if (failed && !failed.has(message.id)) messages.delete(message.id);
      else pollAt(message.visibleAt);
    }
  }

  return {
    isEmpty: () => messages.size === 0,
    bodies: () => [...messages.values()].map(({ body }) => body),
    send(body: string): void {
      sent += 1;
      const copies = faults.strikeNth('message-repeated') ? 2 : 1;
      for (let copy = 1; copy <= copies; copy += 1) {
        const at = time.now() + (copy === 1 ? random.whole(50, 900) : random.whole(0, 60_000));
        const id = `message-${sent}-${copy}`;
        messages.set(id, { id, body, visibleAt: at, receives: 0, deleted: false });
        pollAt(at);
      }
    },
    comeBackSoon(receiptHandle: string, receives: number): void {
      const message = messages.get(receiptHandle);
      if (!message) return;
      const ceiling = Math.min(4 * 2 ** (receives - 1), 60) * 1_000;
      message.visibleAt = time.now() + ceiling * (0.5 + random.next() / 2);
    },
  };
}
