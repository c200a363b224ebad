import { GetAccountSettingsCommand, LambdaClient } from '@aws-sdk/client-lambda';
import type { DynamoDBDocumentClient } from '@aws-sdk/lib-dynamodb';
import { createKnownLambdaLimit } from '../../runner-types/lambda/known-lambda-limit.client.ts';
import { smallestLimit } from '../../runner-types/lambda/lambda-limit.ts';
import type { LambdaLimitPorts } from './look-at-lambda-limit.ts';

/**
 * How many executions at the same time an account may have in a region, and of how many no function has a reservation.
 */
export type AccountConcurrency = { readonly applied: number; readonly unreserved: number };

/**
 * What applies to the account now, whatever its default is.
 * Source: https://docs.aws.amazon.com/lambda/latest/api/API_GetAccountSettings.html
 */
export async function readAccountConcurrency(lambda: LambdaClient): Promise<AccountConcurrency> {
  const { AccountLimit = {} } = await lambda.send(new GetAccountSettingsCommand({}));
  const applied = AccountLimit.ConcurrentExecutions ?? smallestLimit;
  return { applied, unreserved: AccountLimit.UnreservedConcurrentExecutions ?? applied };
}

/** Lambda, as the environment addresses it, and the runners table. */
export function createLambdaLimit(dynamodb: DynamoDBDocumentClient, runnersTable: string): LambdaLimitPorts {
  const lambda = new LambdaClient({});
  const { write } = createKnownLambdaLimit(dynamodb, runnersTable, Date.now);
  return { ask: async () => (await readAccountConcurrency(lambda)).unreserved, write };
}
