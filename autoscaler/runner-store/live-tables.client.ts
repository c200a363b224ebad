import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { DynamoDBDocumentClient } from '@aws-sdk/lib-dynamodb';
import { readEnvironment } from '../../infrastructure/kit/lambda/lambda-handler.client.ts';
import { createOutageMark } from './outage-mark.client.ts';
import { createRetryMarks } from './retry-marks.client.ts';
import { createRunnersStore } from './runners-store.client.ts';
import { tableNamesOf, tablesEnvironment } from './tables-environment.ts';

/** DynamoDB with the options that all our items need: undefined attributes are left out. */
export function createDocumentClient(): DynamoDBDocumentClient {
  return DynamoDBDocumentClient.from(new DynamoDBClient({}), { marshallOptions: { removeUndefinedValues: true } });
}

/** The tables with the runners and their tickets, as the environment names them. */
export function createTables(dynamodb = createDocumentClient()) {
  const environment = readEnvironment(tablesEnvironment);
  return {
    deployment: environment.DEPLOYMENT,
    store: createRunnersStore(dynamodb, tableNamesOf(environment)),
    marks: createRetryMarks(dynamodb, environment.RUNNERS_TABLE, Date.now),
    outages: createOutageMark(dynamodb, environment.RUNNERS_TABLE),
    now: Date.now,
  };
}
