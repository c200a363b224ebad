import type { HttpAnswer } from '../infrastructure/kit/aws/http-post.client.ts';
import type { PostToAws } from '../infrastructure/kit/aws/signed-aws.client.ts';
import { type BackoffPolicy, retryWithBackoff, systemBackoffPorts } from '../infrastructure/kit/lambda/backoff.ts';
import type { LambdaRunnerPayload } from '../infrastructure/kit/runner-ticket.ts';
import { assumeRoleParametersOf, type JobCredentials, readAssumedRole } from './job-role.ts';
import { JobRoleNotAssumedError } from './runner-errors.ts';

const requestTimeoutMilliseconds = 3_000;

const assumeBackoff: BackoffPolicy = {
  maxAttempts: 4,
  firstDelayMilliseconds: 100,
  longestDelayMilliseconds: 1_000,
  budgetMilliseconds: 10_000,
};

/** Assumes the profile's job role for one job; null when the profile gives its jobs no role. */
export type AssumeJobRole = (input: LambdaRunnerPayload) => Promise<JobCredentials | null>;

/**
 * Assumes the role in `JOB_ROLE_ARN` with one signed call, without the AWS SDK.
 *
 * @throws {JobRoleNotAssumedError}
 * @see https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRole.html
 */
export function createJobRole(post: PostToAws, roleArn: string | undefined, region: string): AssumeJobRole {
  return async (input) => {
    if (!roleArn) return null;
    const attempt = async () => {
      const answer = await post({
        service: 'sts',
        headers: { 'content-type': 'application/x-www-form-urlencoded; charset=utf-8' },
        body: new URLSearchParams(assumeRoleParametersOf(roleArn, input)).toString(),
        timeoutMilliseconds: requestTimeoutMilliseconds,
      }).catch((cause: unknown) => {
        throw new JobRoleNotAssumedError(`AssumeRole of ${roleArn}: no answer from STS`, { cause });
      });
      return { ...readAnswer(roleArn, answer), region };
    };
    const judge = (error: unknown) => ({ retry: !(error instanceof RefusedByStsError) });
    return retryWithBackoff(attempt, judge, assumeBackoff, systemBackoffPorts);
  };
}

class RefusedByStsError extends JobRoleNotAssumedError {}

/** The answer holds secrets: no message may quote one of 200. */
function readAnswer(roleArn: string, { status, text }: HttpAnswer): Omit<JobCredentials, 'region'> {
  if (status === 200) {
    const credentials = readAssumedRole(text);
    if (credentials) return credentials;
    throw new RefusedByStsError(`AssumeRole of ${roleArn}: the answer has no credentials; is that STS?`);
  }
  const code = /<Code>([^<]+)<\/Code>/.exec(text)?.[1] ?? '';
  const message = `AssumeRole of ${roleArn}: ${status} ${code || text.slice(0, 300)}`;
  if (status >= 500 || status === 429 || /Throttl/.test(code)) throw new JobRoleNotAssumedError(message);
  throw new RefusedByStsError(
    `${message}; does the role's trust policy allow this function's role sts:AssumeRole and sts:TagSession?`,
  );
}
