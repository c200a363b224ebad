import { type DynamoDBDocumentClient, GetCommand, PutCommand } from '@aws-sdk/lib-dynamodb';
import { smallestLimit } from './lambda-limit.ts';

/** A limit that was raised counts within this time after it was written down. */
const cacheSeconds = 10;
/** Key in the runners table, beside the items and the counters. */
const limitKey = 'limits#lambda';

/** What the reconciler has written down of the account's limit, for those who choose runners. */
export type KnownLambdaLimit = {
  /** At most ten seconds old; the smallest that accounts have, as long as nothing is written down. */
  read(): Promise<number>;
  write(unreserved: number): Promise<void>;
};

/** The limit in the runners table, kept for ten seconds per process. */
export function createKnownLambdaLimit(
  dynamodb: DynamoDBDocumentClient,
  TableName: string,
  now: () => number,
): KnownLambdaLimit {
  let cached: { readonly at: number; readonly unreserved: number } | undefined;
  return {
    async read() {
      const at = now();
      if (cached && at - cached.at < cacheSeconds * 1_000) return cached.unreserved;
      const { Item } = await dynamodb.send(new GetCommand({ TableName, Key: { pk: limitKey } }));
      const { unreserved = smallestLimit } = (Item ?? {}) as { readonly unreserved?: number };
      cached = { at, unreserved };
      return unreserved;
    },
    async write(unreserved) {
      await dynamodb.send(new PutCommand({ TableName, Item: { pk: limitKey, unreserved } }));
    },
  };
}
