import { isPassing } from '../kit/aws/passing-trouble.ts';
import { AwsAnswerError, type CallAws } from '../kit/aws/signed-aws.client.ts';
import type { JobEvent } from '../kit/job-event.ts';
import { type JobEventType, jobEventSource } from '../kit/job-event-types.ts';

/** The event is not on the bus: the bus did not answer, or refused it. */
export class EventNotAcceptedError extends Error {
  override readonly name = 'EventNotAcceptedError';
}

/** Makes the function that puts one event on the bus. It throws {@link EventNotAcceptedError}, naming the bus. */
export function createEventBus(eventBusArn: string, callAws: CallAws) {
  return async (type: JobEventType, event: JobEvent): Promise<void> => {
    const entry = {
      EventBusName: eventBusArn,
      Source: jobEventSource,
      DetailType: type,
      Detail: JSON.stringify(event),
    };
    try {
      await callAws('events', 'AWSEvents.PutEvents', { Entries: [entry] }, throwWhenRefused);
    } catch (cause) {
      const reason = cause instanceof Error ? cause.message : String(cause);
      throw new EventNotAcceptedError(`cannot put ${type} on the event bus ${eventBusArn}: ${reason}`, { cause });
    }
  };
}

type PutEventsAnswer = {
  readonly FailedEntryCount?: number;
  readonly Entries?: readonly { readonly ErrorCode?: string; readonly ErrorMessage?: string }[];
};

/** PutEvents answers 200 to what it refuses. */
function throwWhenRefused(answer: unknown): void {
  const { FailedEntryCount, Entries = [] } = answer as PutEventsAnswer;
  if (FailedEntryCount === 0) return;
  const { ErrorCode = 'no error code', ErrorMessage = '' } = Entries[0] ?? {};
  throw new AwsAnswerError(
    `PutEvents refused the entry: ${ErrorCode} ${ErrorMessage}`,
    ErrorCode,
    isPassing(ErrorCode),
  );
}
