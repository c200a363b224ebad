import { AwsClient } from 'aws4fetch';
import * as z from 'zod/mini';
import { type BackoffPolicy, retryWithBackoff, systemBackoffPorts } from '../infrastructure/lib/backoff.ts';
import type { RunnerTicket } from '../infrastructure/lib/runner-ticket.ts';
import { TicketNotClaimedError } from './runner-errors.ts';

const requestTimeoutMilliseconds = 3_000;

const claimBackoff: BackoffPolicy = {
  maxAttempts: 4,
  firstDelayMilliseconds: 100,
  longestDelayMilliseconds: 1_000,
  budgetMilliseconds: 10_000,
};

/** What Lambda tells every function about itself, as far as signing needs it. */
export const awsEnvironmentSchema = z.object({
  AWS_REGION: z.string(),
  AWS_ACCESS_KEY_ID: z.string(),
  AWS_SECRET_ACCESS_KEY: z.string(),
  AWS_SESSION_TOKEN: z.optional(z.string()),
  AWS_ENDPOINT_URL: z.optional(z.string()),
  AWS_ENDPOINT_URL_DYNAMODB: z.optional(z.string()),
});
export type AwsEnvironment = z.infer<typeof awsEnvironmentSchema>;

const answerSchema = z.object({
  Attributes: z.optional(
    z.object({
      id: z.object({ S: z.string() }),
      token: z.object({ S: z.string() }),
      job: z.object({ S: z.templateLiteral(['job#', z.int(), '#', z.int()]) }),
      expiresAt: z.object({ N: z.string() }),
    }),
  ),
});

/** Claims a ticket: the item is deleted and returned, so that nobody can claim it again. Null when there is none. */
export type ClaimTicket = (table: string, id: string) => Promise<RunnerTicket | null>;

/**
 * Claims tickets with one signed DeleteItem, without the AWS SDK: loading that took 70 ms here, aws4fetch 3 ms, and this is all that
 * the function asks of AWS.
 *
 * @see https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_DeleteItem.html
 */
export function createTicketClaim(environment: AwsEnvironment): ClaimTicket {
  const region = environment.AWS_REGION;
  const client = new AwsClient({
    accessKeyId: environment.AWS_ACCESS_KEY_ID,
    secretAccessKey: environment.AWS_SECRET_ACCESS_KEY,
    ...(environment.AWS_SESSION_TOKEN ? { sessionToken: environment.AWS_SESSION_TOKEN } : {}),
    region,
    service: 'dynamodb',
    retries: 0,
  });
  const url =
    environment.AWS_ENDPOINT_URL_DYNAMODB ||
    environment.AWS_ENDPOINT_URL ||
    `https://dynamodb.${region}.${domainOf(region)}/`;

  return async (table, id) => {
    let unanswered = false;
    const attempt = async () => {
      const response = await client
        .fetch(url, {
          method: 'POST',
          headers: { 'content-type': 'application/x-amz-json-1.0', 'x-amz-target': 'DynamoDB_20120810.DeleteItem' },
          body: JSON.stringify({ TableName: table, Key: { id: { S: id } }, ReturnValues: 'ALL_OLD' }),
          signal: AbortSignal.timeout(requestTimeoutMilliseconds),
        })
        .catch((cause: unknown) => {
          unanswered = true;
          throw new TicketNotClaimedError(`DeleteItem on ${table}: no answer from ${url}`, { cause });
        });
      return readAnswer(table, response);
    };
    const ticket = await retryWithBackoff(attempt, judgeFailure, claimBackoff, systemBackoffPorts);
    if (!ticket && unanswered) {
      throw new TicketNotClaimedError(
        `DeleteItem on ${table}: an attempt was not answered and the next found no ticket, so nobody knows its token any more`,
      );
    }
    return ticket;
  };
}

class RefusedByTableError extends TicketNotClaimedError {}

function judgeFailure(error: unknown) {
  return { retry: !(error instanceof RefusedByTableError) };
}

/** The answer holds the token: no message may quote it. */
async function readAnswer(table: string, response: Response): Promise<RunnerTicket | null> {
  const text = await response.text();
  if (!response.ok) {
    const message = `DeleteItem on ${table}: ${response.status} ${text.slice(0, 300)}`;
    const temporary = response.status >= 500 || /Throttl|ThroughputExceeded|RequestLimitExceeded/.test(text);
    throw temporary
      ? new TicketNotClaimedError(message)
      : new RefusedByTableError(`${message}; may this function's role delete items of that table?`);
  }
  const answer = parseAnswer(text);
  if (!answer) throw new RefusedByTableError(`DeleteItem on ${table}: the answer is not a ticket`);
  const { Attributes: item } = answer;
  return item ? { id: item.id.S, token: item.token.S, job: item.job.S, expiresAt: Number(item.expiresAt.N) } : null;
}

function parseAnswer(text: string): z.infer<typeof answerSchema> | null {
  try {
    return z.safeParse(answerSchema, JSON.parse(text)).data ?? null;
  } catch {
    return null;
  }
}

function domainOf(region: string): string {
  return region.startsWith('cn-') ? 'amazonaws.com.cn' : 'amazonaws.com';
}
