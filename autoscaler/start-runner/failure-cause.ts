import * as z from 'zod/mini';

const lambdaErrorSchema = z.object({ errorMessage: z.string() });

/**
 * What went wrong, for people: Step Functions gives a Lambda's error as JSON, with its stack trace; everything else
 * stays as it is.
 * Source: https://docs.aws.amazon.com/step-functions/latest/dg/concepts-error-handling.html
 */
export function readFailureCause(cause: string): string {
  if (!cause.startsWith('{')) return cause;
  try {
    return lambdaErrorSchema.parse(JSON.parse(cause)).errorMessage;
  } catch {
    return cause;
  }
}
