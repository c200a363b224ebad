import type * as z from 'zod/mini';
import type { launchBatchSchema } from '../../autoscaler/runner-types/ec2/launch-instances.lambda.ts';
import type { LaunchFailure, LaunchQueue } from '../../autoscaler/runner-types/ec2/launch-queue.client.ts';
import type { LaunchRequest } from '../../autoscaler/runner-types/ec2/launch-request.ts';

type LaunchBatch = z.output<typeof launchBatchSchema>;

export type InMemoryLaunchQueue = LaunchQueue & {
  /** Bodies of the messages that nobody has finished yet, by message id. */
  readonly messages: Map<string, string>;
  readonly reported: { readonly request: LaunchRequest; readonly error: LaunchFailure }[];
  /** Message ids that were asked to come back, one for each time. */
  readonly comingBack: string[];
  send(...bodies: readonly (LaunchRequest | string)[]): void;
  /** Up to ten messages, each with one more receive to its count. */
  receive(): LaunchBatch;
  /** Deletes the messages of a delivery, except those that failed. */
  settle(batch: LaunchBatch, answer: { readonly batchItemFailures: readonly { itemIdentifier: string }[] }): void;
};

/**
 * The launch queue in memory, and the failures that the bus was told. `receivesBefore` lets messages have come that
 * often already.
 */
export function inMemoryLaunchQueue(receivesBefore = 0): InMemoryLaunchQueue {
  const messages = new Map<string, string>();
  const receives = new Map<string, number>();
  const reported: InMemoryLaunchQueue['reported'] = [];
  const comingBack: string[] = [];
  return {
    messages,
    reported,
    comingBack,
    send(...bodies) {
      for (const body of bodies) {
        const text = typeof body === 'string' ? body : JSON.stringify(body);
        messages.set(`message-${receives.size + 1}`, text);
        receives.set(`message-${receives.size + 1}`, receivesBefore);
      }
    },
    receive() {
      const batch = [...messages].slice(0, 10).map(([messageId, body]) => {
        const count = (receives.get(messageId) ?? 0) + 1;
        receives.set(messageId, count);
        const attributes = { ApproximateReceiveCount: String(count) };
        return { messageId, receiptHandle: `receipt of ${messageId}`, body, attributes };
      });
      return { Records: batch };
    },
    settle({ Records }, { batchItemFailures }) {
      const failed = new Set(batchItemFailures.map(({ itemIdentifier }) => itemIdentifier));
      for (const { messageId } of Records) if (!failed.has(messageId)) messages.delete(messageId);
    },
    async comeBackSoon(receiptHandle) {
      comingBack.push(receiptHandle.replace('receipt of ', ''));
    },
    async reportFailed(requests, error) {
      reported.push(...requests.map((request) => ({ request, error })));
    },
  };
}
