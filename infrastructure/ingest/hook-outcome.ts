import type { APIGatewayProxyStructuredResultV2 } from 'aws-lambda';
import type { JobEvent } from '../kit/job-event.ts';
import type { JobEventType } from '../kit/job-event-types.ts';
import type { LogFields } from '../kit/lambda/log.ts';

/** How one request to the webhook ended. */
export type HookOutcome =
  | { readonly kind: 'accepted'; readonly type: JobEventType; readonly event: JobEvent; readonly provedBy: string }
  | {
      readonly kind: 'ignored';
      readonly reason: string;
      readonly projectId: number | null;
      readonly jobId: number | null;
    }
  | { readonly kind: 'malformed'; readonly reason: string }
  | { readonly kind: 'refused'; readonly reason: string }
  /** Nothing was shown that could prove anything: anybody may send that as often as the throttle lets through. */
  | { readonly kind: 'anonymous'; readonly reason: string }
  /** From an address that no call may come from. */
  | { readonly kind: 'elsewhere'; readonly reason: string }
  | { readonly kind: 'too-large'; readonly reason: string }
  | {
      readonly kind: 'unavailable';
      readonly reason: string;
      readonly error: unknown;
      readonly event: JobEvent | null;
    };

/** GitLab disables a hook after four answers in a row that are not 2xx: what is only ignored must be one. */
const statusCodes = {
  accepted: 202,
  ignored: 200,
  malformed: 400,
  refused: 401,
  anonymous: 401,
  elsewhere: 403,
  'too-large': 413,
  unavailable: 503,
} as const;

const levels = {
  accepted: 'info',
  ignored: 'info',
  malformed: 'warn',
  refused: 'warn',
  anonymous: 'warn',
  elsewhere: 'warn',
  'too-large': 'warn',
  unavailable: 'error',
} as const;

const retryAfterSeconds = 5;

/** The HTTP answer: a small JSON body, which GitLab shows in the hook's list of recent events. */
export function answerOf(outcome: HookOutcome): APIGatewayProxyStructuredResultV2 {
  return {
    statusCode: statusCodes[outcome.kind],
    headers: {
      'content-type': 'application/json',
      ...(outcome.kind === 'unavailable' ? { 'retry-after': String(retryAfterSeconds) } : {}),
    },
    body: JSON.stringify({ outcome: outcome.kind, ...toldOf(outcome) }),
  };
}

/** Whoever could not prove to be GitLab is not told how our secret is set up; the log is. */
function toldOf(outcome: HookOutcome) {
  if (outcome.kind === 'accepted') return { event: outcome.type };
  if (outcome.kind === 'refused')
    return { reason: 'not proved to come from GitLab: the log of receive-job-hook says why' };
  return { reason: outcome.reason };
}

/** The log line: its level and its fields, project and job id first. */
export function logEntryOf(outcome: HookOutcome): {
  readonly level: 'info' | 'warn' | 'error';
  readonly fields: LogFields;
} {
  const { kind } = outcome;
  const fields = { outcome: kind, httpStatus: statusCodes[kind], ...jobOf(outcome), ...detailOf(outcome) };
  return { level: levels[kind], fields };
}

function jobOf(outcome: HookOutcome): LogFields {
  switch (outcome.kind) {
    case 'ignored':
      return { projectId: outcome.projectId, jobId: outcome.jobId };
    case 'accepted':
    case 'unavailable':
      return {
        projectId: outcome.event?.projectId ?? null,
        jobId: outcome.event?.jobId ?? null,
        jobStatus: outcome.event?.status ?? null,
        runnerId: outcome.event?.runnerId ?? null,
      };
    case 'malformed':
    case 'refused':
    case 'anonymous':
    case 'elsewhere':
    case 'too-large':
      return { projectId: null, jobId: null };
  }
}

function detailOf(outcome: HookOutcome): LogFields {
  if (outcome.kind === 'accepted') return { type: outcome.type, provedBy: outcome.provedBy };
  if (outcome.kind === 'unavailable') return { reason: outcome.reason, error: outcome.error };
  return { reason: outcome.reason };
}
