import { EventBridgeClient, PutEventsCommand } from '@aws-sdk/client-eventbridge';
import { ChangeMessageVisibilityCommand, SQSClient } from '@aws-sdk/client-sqs';
import { jobEventSource } from '../../../infrastructure/kit/job-event-types.ts';
import { runnerFailedType } from '../../events/runner-failed.ts';
import type { LaunchRequest } from './launch-request.ts';

const shortestSeconds = 4;
const longestSeconds = 60;

export type LaunchFailure = { readonly name: string; readonly message: string };

export type LaunchQueue = {
  /** Lets a message come again after a short while that grows with every receive. */
  comeBackSoon(receiptHandle: string, receives: number): Promise<void>;
  /** Tells the bus that these jobs' runners failed: their attempts are abandoned. */
  reportFailed(requests: readonly LaunchRequest[], error: LaunchFailure): Promise<void>;
};

export class EventNotAcceptedError extends Error {
  override readonly name = 'EventNotAcceptedError';
}

/** After how many seconds a message comes again; `random` (0 to 1) spreads those that were sent back together. */
export function secondsToComeBack(receives: number, random: number): number {
  const ceiling = Math.min(shortestSeconds * 2 ** (receives - 1), longestSeconds);
  return Math.ceil(ceiling * (0.5 + random / 2));
}

/** The launch queue and the bus on which failed launches are told. */
export function createLaunchQueue({ queueUrl, eventBusArn }: { queueUrl: string; eventBusArn: string }): LaunchQueue {
  const sqs = new SQSClient({});
  const eventBridge = new EventBridgeClient({});
  return {
    async comeBackSoon(receiptHandle, receives) {
      const VisibilityTimeout = secondsToComeBack(receives, Math.random());
      await sqs.send(
        new ChangeMessageVisibilityCommand({ QueueUrl: queueUrl, ReceiptHandle: receiptHandle, VisibilityTimeout }),
      );
    },
    async reportFailed(requests, error) {
      const Entries = requests.map(({ projectId, jobId, attempt }) => ({
        EventBusName: eventBusArn,
        Source: jobEventSource,
        DetailType: runnerFailedType,
        Detail: JSON.stringify({ projectId, jobId, attempt, event: null, error: error.name, cause: error.message }),
      }));
      const answer = await eventBridge.send(new PutEventsCommand({ Entries }));
      if (answer.FailedEntryCount) {
        throw new EventNotAcceptedError(`PutEvents refused ${answer.FailedEntryCount} of ${Entries.length} events`);
      }
    },
  };
}
