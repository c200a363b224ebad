import * as z from 'zod/mini';
import type { HttpAnswer } from '../infrastructure/kit/aws/http-post.client.ts';
import { isPassing } from '../infrastructure/kit/aws/passing-trouble.ts';
import type { PostToAws } from '../infrastructure/kit/aws/signed-aws.client.ts';
import { type BackoffPolicy, retryWithBackoff, systemBackoffPorts } from '../infrastructure/kit/lambda/backoff.ts';
import type { RunnerTicket } from '../infrastructure/kit/runner-ticket.ts';
import { TicketNotClaimedError } from './runner-errors.ts';

const requestTimeoutMilliseconds = 3_000;

const claimBackoff: BackoffPolicy = {
  maxAttempts: 4,
  firstDelayMilliseconds: 100,
  longestDelayMilliseconds: 1_000,
  budgetMilliseconds: 10_000,
};

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
 * Claims tickets with one signed DeleteItem, without the AWS SDK: loading that took 70 ms here. Each try is ours, since
 * what an empty answer means depends on whether the try before it was answered.
 *
 * @see https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_DeleteItem.html
 */
export function createTicketClaim(post: PostToAws): ClaimTicket {
  return async (table, id) => {
    let unanswered = false;
    const attempt = async () => {
      const response = await post({
        service: 'dynamodb',
        headers: { 'content-type': 'application/x-amz-json-1.0', 'x-amz-target': 'DynamoDB_20120810.DeleteItem' },
        body: JSON.stringify({ TableName: table, Key: { id: { S: id } }, ReturnValues: 'ALL_OLD' }),
        timeoutMilliseconds: requestTimeoutMilliseconds,
      }).catch((cause: unknown) => {
        unanswered = true;
        throw new TicketNotClaimedError(`DeleteItem on ${table}: no answer from DynamoDB`, { cause });
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
function readAnswer(table: string, { status, text }: HttpAnswer): RunnerTicket | null {
  if (status !== 200) {
    const message = `DeleteItem on ${table}: ${status} ${text.slice(0, 300)}`;
    const temporary = status >= 500 || isPassing(nameOf(text));
    throw temporary
      ? new TicketNotClaimedError(message)
      : new RefusedByTableError(`${message}; may this function's role delete items of that table?`);
  }
  const answer = parseAnswer(text);
  if (!answer) throw new RefusedByTableError(`DeleteItem on ${table}: the answer is not a ticket`);
  const { Attributes: item } = answer;
  return item ? { id: item.id.S, token: item.token.S, job: item.job.S, expiresAt: Number(item.expiresAt.N) } : null;
}

/** AWS names an error in `__type`; its message may name anything. */
function nameOf(refusal: string): string {
  return /"__type"\s*:\s*"([^"]*)"/.exec(refusal)?.[1] ?? '';
}

function parseAnswer(text: string): z.infer<typeof answerSchema> | null {
  try {
    return z.safeParse(answerSchema, JSON.parse(text)).data ?? null;
  } catch {
    return null;
  }
}
