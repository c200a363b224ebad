import * as z from 'zod/mini';
import { awsErrors, gitlabErrors } from '../../../lambda-shell-runner/exports.ts';

const number = z.optional(z.nullable(z.number()));

/**
 * What Lambda's on-failure destination tells of a runner's function, as `detail` of its event. What we read of the
 * answer, some events lack: of an invocation that was never tried there is none, and a function that crashed has said
 * nothing of its own.
 * Source: https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-retain-records.html
 */
export const failedInvocationSchema = z.object({
  requestContext: z.object({ condition: z.string() }),
  requestPayload: z.object({
    job: z.object({ projectId: z.int(), jobId: z.int() }),
    attempt: z.int(),
  }),
  responseContext: z.optional(
    z.nullable(z.object({ statusCode: number, functionError: z.optional(z.nullable(z.string())) })),
  ),
  responsePayload: z.optional(z.unknown()),
});
type FailedInvocation = z.infer<typeof failedInvocationSchema>;

/**
 * What became of an invocation. `failed`: a runner was started, and failed. `not-started`: none was, since Lambda never
 * ran the function or AWS did not give it what it needs. `cut-off`: the runner could not ask GitLab. `cause` is for
 * people.
 */
export type InvocationEnd = { readonly kind: 'failed' | 'not-started' | 'cut-off'; readonly cause: string };

/** Reads from Lambda's words what became of an invocation, and why. */
export function readInvocationEnd(told: FailedInvocation): InvocationEnd {
  const { condition } = told.requestContext;
  const { errorType, errorMessage } = errorOf(told.responsePayload);
  if (wasNeverStarted(told)) {
    const reason = errorMessage ?? 'the account had no concurrency left for it, or Lambda was in trouble';
    return { kind: 'not-started', cause: `${condition}: Lambda did not start the function: ${reason}` };
  }
  const cause = [errorType, errorMessage].filter(Boolean).join(': ');
  return {
    kind: kindOf(errorType ?? ''),
    cause: cause || `${condition}: the function ended without saying why; see its log`,
  };
}

function kindOf(errorType: string): InvocationEnd['kind'] {
  if (awsErrors.some((name) => name === errorType)) return 'not-started';
  return gitlabErrors.some((name) => name === errorType) ? 'cut-off' : 'failed';
}

/** Lambda gives an event up that it could not hand over in time, and says then how its own service answered. */
function wasNeverStarted({ requestContext, responseContext }: FailedInvocation): boolean {
  if (requestContext.condition === 'EventAgeExceeded') return true;
  const { functionError, statusCode } = responseContext ?? {};
  return !functionError && (statusCode === 429 || (statusCode ?? 0) >= 500);
}

const errorSchema = z.object({
  errorType: z.optional(z.nullable(z.string())),
  errorMessage: z.optional(z.nullable(z.string())),
});

function errorOf(payload: unknown) {
  const { success, data } = z.safeParse(errorSchema, payload);
  return success ? data : {};
}
