import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { DynamoDBDocumentClient } from '@aws-sdk/lib-dynamodb';
import * as z from 'zod/mini';
import { createGitLab, type GitLab } from '../infrastructure/lib/gitlab.client.ts';
import { readEnvironment } from '../infrastructure/lib/lambda-handler.client.ts';
import { createSecretReader, SecretUnavailableError } from '../infrastructure/lib/secret.client.ts';
import { gitlabEnvironment, tablesEnvironment } from './environment.ts';
import { RunnersTable } from './runners/runners-table.client.ts';
import { TicketsTable } from './runners/tickets.client.ts';

const gitlabSecretSchema = z.object({ token: z.string().check(z.minLength(1)) });

/** DynamoDB with the options that all our items need: undefined attributes are left out. */
export function createDocumentClient(): DynamoDBDocumentClient {
  return DynamoDBDocumentClient.from(new DynamoDBClient({}), { marshallOptions: { removeUndefinedValues: true } });
}

/** The tables with the runners and their tickets, as the environment names them. */
export function createTables(dynamodb = createDocumentClient()) {
  const { DEPLOYMENT, RUNNERS_TABLE, TICKETS_TABLE } = readEnvironment(tablesEnvironment);
  return {
    deployment: DEPLOYMENT,
    runners: new RunnersTable(dynamodb, RUNNERS_TABLE),
    tickets: new TicketsTable(dynamodb, TICKETS_TABLE),
    now: Date.now,
  };
}

/** GitLab as the environment names it, with the access token from its secret (`{"token": "..."}`). */
export function createGitLabFromEnvironment(): GitLab & { readonly url: string } {
  const { GITLAB_URL, GITLAB_TOKEN_SECRET_ARN } = readEnvironment(gitlabEnvironment);
  const readSecret = createSecretReader(GITLAB_TOKEN_SECRET_ARN, process.env, Date.now);
  const token = async () => {
    const text = await readSecret();
    const parsed = z.safeParse(z.pipe(z.string(), z.pipe(z.transform(parseJson), gitlabSecretSchema)), text);
    if (parsed.success) return parsed.data.token;
    throw new SecretUnavailableError(
      `The secret ${GITLAB_TOKEN_SECRET_ARN} must hold {"token": "<GitLab access token>"}`,
    );
  };
  return { url: GITLAB_URL, ...createGitLab({ url: GITLAB_URL, token }) };
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
