import { SendMessageCommand, SQSClient } from '@aws-sdk/client-sqs';
import type { InstanceTags } from './tag-instances-input.ts';

export type TagQueue = {
  /** Lets these instances have their tags when there is time for it. */
  tagLater(instances: readonly InstanceTags[]): Promise<void>;
};

/** The queue of tags that instances do not have yet. */
export function createTagQueue(queueUrl: string): TagQueue {
  // Whoever launches has no time to try again for a tag.
  const sqs = new SQSClient({ maxAttempts: 1, requestHandler: { connectionTimeout: 1_000, requestTimeout: 1_000 } });
  return {
    async tagLater(instances) {
      await sqs.send(new SendMessageCommand({ QueueUrl: queueUrl, MessageBody: JSON.stringify({ instances }) }));
    },
  };
}
