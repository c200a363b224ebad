import {
  type AttributeValue,
  BatchWriteItemCommand,
  ConditionalCheckFailedException,
  DeleteItemCommand,
  type DynamoDBClient,
  PutItemCommand,
  paginateQuery,
  paginateScan,
  type WriteRequest,
} from '@aws-sdk/client-dynamodb';
import { plainItemOf, storedItemOf } from '../../autoscaler/job-mappings/attribute-values.ts';
import { type BackoffPorts, retryWithBackoff, systemBackoffPorts } from '../../infrastructure/kit/lambda/backoff.ts';
import { inOrder, type MappingItem, type MappingKey } from './mapping-item.ts';

/** DynamoDB takes as many in one request, and hands back what it had no room for. */
const rowsPerRequest = 25;
const requestsAtOnce = 4;
const throttleBackoff = {
  maxAttempts: 15,
  firstDelayMilliseconds: 50,
  longestDelayMilliseconds: 5_000,
  budgetMilliseconds: 120_000,
};
const throttled = ['ProvisionedThroughputExceededException', 'ThrottlingException', 'RequestLimitExceeded'];

/** DynamoDB did not take all rows within the time; the message says how many are missing and what to do. */
export class WriteNotFinishedError extends Error {
  override readonly name = 'WriteNotFinishedError';
}

/** The job mappings table, as the command line reads and edits it: whole rows, whatever they hold. */
export type MappingTable = {
  /** Every row, in order. */
  readAll(): Promise<MappingItem[]>;
  /** The rows of one `pk`, in order. */
  readName(pk: string): Promise<MappingItem[]>;
  /** Writes a new row. Returns null, or the row that is there and stays. */
  create(item: MappingItem): Promise<MappingItem | null>;
  /** Writes a row over what is there, which is returned. */
  replace(item: MappingItem): Promise<MappingItem | null>;
  /** Removes a row, which is returned; null when there was none. */
  remove(key: MappingKey): Promise<MappingItem | null>;
  /**
   * Writes and removes many rows; `told` hears after each step how many are done.
   *
   * @throws {WriteNotFinishedError}
   */
  change(put: readonly MappingItem[], remove: readonly MappingKey[], told?: (done: number) => void): Promise<void>;
};

export function createMappingTable(
  dynamodb: DynamoDBClient,
  TableName: string,
  backoffPorts: BackoffPorts = systemBackoffPorts,
): MappingTable {
  return {
    async readAll() {
      const pages = paginateScan({ client: dynamodb }, { TableName, ConsistentRead: true });
      return (await collect(pages)).sort(inOrder);
    },

    async readName(pk) {
      const query = {
        TableName,
        ConsistentRead: true,
        KeyConditionExpression: 'pk = :pk',
        ExpressionAttributeValues: { ':pk': { S: pk } },
      };
      return (await collect(paginateQuery({ client: dynamodb }, query))).sort(inOrder);
    },

    async create(item) {
      try {
        await dynamodb.send(
          new PutItemCommand({
            TableName,
            Item: storedItemOf(item),
            ConditionExpression: 'attribute_not_exists(pk)',
            ReturnValuesOnConditionCheckFailure: 'ALL_OLD',
          }),
        );
        return null;
      } catch (error) {
        if (!(error instanceof ConditionalCheckFailedException)) throw error;
        return readItem(error.Item) ?? { pk: item.pk, sk: item.sk };
      }
    },

    async replace(item) {
      const put = new PutItemCommand({ TableName, Item: storedItemOf(item), ReturnValues: 'ALL_OLD' });
      return readItem((await dynamodb.send(put)).Attributes);
    },

    async remove({ pk, sk }) {
      const Key = storedItemOf({ pk, sk });
      const { Attributes } = await dynamodb.send(new DeleteItemCommand({ TableName, Key, ReturnValues: 'ALL_OLD' }));
      return readItem(Attributes);
    },

    async change(put, remove, told = () => {}) {
      const requests: WriteRequest[] = [
        ...put.map((item) => ({ PutRequest: { Item: storedItemOf(item) } })),
        ...remove.map(({ pk, sk }) => ({ DeleteRequest: { Key: storedItemOf({ pk, sk }) } })),
      ];
      const batches = Array.from({ length: Math.ceil(requests.length / rowsPerRequest) }, (_, index) =>
        requests.slice(index * rowsPerRequest, (index + 1) * rowsPerRequest),
      );
      let done = 0;
      const work = async () => {
        for (let batch = batches.shift(); batch; batch = batches.shift()) {
          await writeBatch(dynamodb, TableName, batch, backoffPorts, (written) => {
            done += written;
            told(done);
          });
        }
      };
      const outcomes = await Promise.allSettled(Array.from({ length: requestsAtOnce }, work));
      const failed = outcomes.find((outcome) => outcome.status === 'rejected');
      if (!failed) return;
      const cause = failed.reason as Error;
      throw new WriteNotFinishedError(
        `${done} of ${requests.length} rows are written, the rest is not (${cause.name}: ${cause.message}): give the same command again, it goes on where this one ended`,
        { cause },
      );
    },
  };
}

class RowsLeftError extends Error {
  override readonly name = 'RowsLeftError';
}

async function writeBatch(
  dynamodb: DynamoDBClient,
  tableName: string,
  batch: readonly WriteRequest[],
  backoffPorts: BackoffPorts,
  told: (written: number) => void,
): Promise<void> {
  let left = [...batch];
  const attempt = async () => {
    const { UnprocessedItems } = await dynamodb.send(
      new BatchWriteItemCommand({ RequestItems: { [tableName]: left } }),
    );
    const unprocessed = UnprocessedItems?.[tableName] ?? [];
    told(left.length - unprocessed.length);
    left = unprocessed;
    if (left.length > 0) throw new RowsLeftError(`the table has no room for ${left.length} more rows at this moment`);
  };
  const judge = (error: unknown) => ({
    retry: error instanceof RowsLeftError || throttled.includes((error as Error).name),
  });
  await retryWithBackoff(attempt, judge, throttleBackoff, backoffPorts);
}

type Page = { readonly Items?: readonly Record<string, AttributeValue>[] | undefined };

async function collect(pages: AsyncIterable<Page>): Promise<MappingItem[]> {
  const items: MappingItem[] = [];
  for await (const page of pages) for (const item of page.Items ?? []) items.push(plainItemOf(item) as MappingItem);
  return items;
}

function readItem(item: Record<string, AttributeValue> | undefined): MappingItem | null {
  return item ? (plainItemOf(item) as MappingItem) : null;
}
