import { type DynamoDBDocumentClient, GetCommand, PutCommand } from '@aws-sdk/lib-dynamodb';
import { type OutageMark, outageMarkKey } from './outage-mark.ts';

/** One process writes no more often than this; a host waits for its job much longer. */
const shortestGapMilliseconds = 10_000;
const markLifeSeconds = 24 * 60 * 60;

/**
 * The mark in the runners table, beside the items and the counters. Written while there is an outage, and never else.
 */
export function createOutageMark(dynamodb: DynamoDBDocumentClient, TableName: string): OutageMark {
  let notedAt = Number.NEGATIVE_INFINITY;
  return {
    async note(at) {
      if (at - notedAt < shortestGapMilliseconds) return;
      const expiresAt = Math.floor(at / 1_000) + markLifeSeconds;
      await dynamodb.send(new PutCommand({ TableName, Item: { pk: outageMarkKey, lastSeen: at, expiresAt } }));
      notedAt = at;
    },
    async lastSeen() {
      const { Item } = await dynamodb.send(
        new GetCommand({ TableName, Key: { pk: outageMarkKey }, ConsistentRead: true }),
      );
      return (Item as { readonly lastSeen: number } | undefined)?.lastSeen ?? null;
    },
  };
}
