import type { PostToAws } from '../../../infrastructure/kit/aws/signed-aws.client.ts';
import type { LambdaRunnerPayload } from '../../../infrastructure/kit/runner-ticket.ts';

/** Lambda is in passing trouble, or nobody answered: the invocation may not have happened. Worth another try. */
export class RunnerFunctionUnavailableError extends Error {
  override readonly name = 'RunnerFunctionUnavailableError';
}

/** Lambda does not take the invocation. */
export class RunnerFunctionRefusedError extends Error {
  override readonly name = 'RunnerFunctionRefusedError';
}

/** Starts a function for one tenant, and does not wait for it. */
export type InvokeForTenant = (functionArn: string, tenantId: string, payload: LambdaRunnerPayload) => Promise<void>;

const requestTimeoutMilliseconds = 5_000;

/**
 * Invokes functions with tenant isolation. Source:
 * https://docs.aws.amazon.com/lambda/latest/dg/tenant-isolation-invoke.html
 *
 * @throws {RunnerFunctionUnavailableError}
 * @throws {RunnerFunctionRefusedError}
 */
export function createTenantInvocation(post: PostToAws): InvokeForTenant {
  return async (functionArn, tenantId, payload) => {
    const name = functionArn.split(':').at(-1) ?? functionArn;
    const answer = await post({
      service: 'lambda',
      path: `/2015-03-31/functions/${name}/invocations`,
      headers: {
        'content-type': 'application/json',
        'x-amz-invocation-type': 'Event',
        'x-amz-tenant-id': tenantId,
      },
      body: JSON.stringify(payload),
      timeoutMilliseconds: requestTimeoutMilliseconds,
    }).catch((cause: unknown) => {
      throw new RunnerFunctionUnavailableError(`Invoke of ${name}: no answer from Lambda`, { cause });
    });
    if (answer.status === 202) return;
    const message = `Invoke of ${name} for ${tenantId}: ${answer.status} ${answer.text.slice(0, 300)}`;
    if (answer.status >= 500 || answer.status === 429) throw new RunnerFunctionUnavailableError(message);
    throw new RunnerFunctionRefusedError(message);
  };
}
