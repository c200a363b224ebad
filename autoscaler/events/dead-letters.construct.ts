import { Duration } from 'aws-cdk-lib';
import { Queue, QueueEncryption } from 'aws-cdk-lib/aws-sqs';
import type { Construct } from 'constructs';

/** A queue for what could not be delivered or processed, kept long enough for a person to look and send it again. */
export function deadLetterQueue(scope: Construct, id: string): Queue {
  return new Queue(scope, id, {
    retentionPeriod: Duration.days(14),
    encryption: QueueEncryption.SQS_MANAGED,
    enforceSSL: true,
  });
}

/** A job event is stale after minutes: EventBridge's own 24 hours of retries would start runners for jobs long gone. */
export function deliveryOf(deadLetters: Queue) {
  return { deadLetterQueue: deadLetters, retryAttempts: 10, maxEventAge: Duration.minutes(10) };
}
