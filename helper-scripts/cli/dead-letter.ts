import { runnerFailedType } from '../../autoscaler/events/runner-failed.ts';
import { runnerUnwantedType } from '../../autoscaler/events/runner-unwanted.ts';
import { jobEventSource, jobEventTypeOf } from '../../infrastructure/kit/job-event-types.ts';

/** A message that could not be delivered or handled. */
export type DeadLetter = {
  readonly queue: string;
  readonly id: string;
  /** ISO 8601; when it was put into the queue. */
  readonly since: string | null;
  /** What it is, for people: the kind of event, or a launch. */
  readonly kind: string;
  /** `project/job`, where the message names one. */
  readonly job: string | null;
  /** Why it is here, where EventBridge says so. */
  readonly error: string | null;
  readonly body: string;
  readonly receiptHandle: string;
};

export type EventToSend = { readonly source: string; readonly type: string; readonly detail: string };

type SqsMessage = {
  readonly MessageId?: string | undefined;
  readonly ReceiptHandle?: string | undefined;
  readonly Body?: string | undefined;
  readonly Attributes?: Readonly<Record<string, string>> | undefined;
  readonly MessageAttributes?: Readonly<Record<string, { readonly StringValue?: string | undefined }>> | undefined;
};

/**
 * Reads a message of a dead-letter queue. Source:
 * https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-rule-dlq.html
 */
export function deadLetterOf(queue: string, message: SqsMessage): DeadLetter {
  const {
    MessageId: id = '',
    ReceiptHandle: receiptHandle = '',
    Body: body = '',
    Attributes,
    MessageAttributes,
  } = message;
  const event = eventOf(body);
  const { projectId, jobId } = (event ? parse(event.detail) : parse(body)) ?? {};
  const sent = Number(Attributes?.SentTimestamp);
  const code = MessageAttributes?.ERROR_CODE?.StringValue;
  const reason = MessageAttributes?.ERROR_MESSAGE?.StringValue;
  return {
    queue,
    id,
    since: sent > 0 ? new Date(sent).toISOString() : null,
    kind: event?.type ?? (projectId === undefined ? 'not readable' : 'launch request'),
    job: projectId === undefined || jobId === undefined ? null : `${projectId}/${jobId}`,
    error: code ? [code, reason].filter(Boolean).join(': ') : null,
    body,
    receiptHandle,
  };
}

/**
 * The event that a dead letter is about, as it has to be put on the bus again: EventBridge keeps the whole event, or
 * what the rule made of it for its target, which for our rules is the `detail`. Null when it is neither.
 */
export function eventOf(body: string): EventToSend | null {
  const content = parse(body);
  if (!content) return null;
  const { source, 'detail-type': type, detail } = content;
  if (typeof source === 'string' && typeof type === 'string' && typeof detail === 'object') {
    return { source, type, detail: JSON.stringify(detail) };
  }
  const told = typeOf(content);
  return told === null ? null : { source: jobEventSource, type: told, detail: body };
}

/** Which of our events has such a detail. */
function typeOf({ kind, status, runnerId, error, attempt }: Record<string, unknown>): string | null {
  if (kind === 'runner-unwanted') return runnerUnwantedType;
  if (typeof error === 'string' && attempt !== undefined) return runnerFailedType;
  return jobEventTypeOf(status, runnerId);
}

function parse(text: string): Record<string, unknown> | null {
  try {
    const content: unknown = JSON.parse(text);
    return typeof content === 'object' && content !== null ? (content as Record<string, unknown>) : null;
  } catch {
    return null;
  }
}
