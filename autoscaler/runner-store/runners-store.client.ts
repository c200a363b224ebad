import { randomUUID } from 'node:crypto';
import { ConditionalCheckFailedException, TransactionCanceledException } from '@aws-sdk/client-dynamodb';
import {
  DeleteCommand,
  type DynamoDBDocumentClient,
  GetCommand,
  PutCommand,
  paginateQuery,
  QueryCommand,
  TransactWriteCommand,
  UpdateCommand,
} from '@aws-sdk/lib-dynamodb';
import { isPassing } from '../../infrastructure/kit/aws/passing-trouble.ts';
import { type BackoffPorts, retryWithBackoff, systemBackoffPorts } from '../../infrastructure/kit/lambda/backoff.ts';
import type { RunnerTicket } from '../../infrastructure/kit/runner-ticket.ts';
import { type GateItem, gateKeyOf } from './gate-item.ts';
import { instanceIdIndex, liveIndex, livePoolIndex, runnerIdIndex } from './runner-indexes.ts';
import { liveMark, type RunnerItem, waitingMark } from './runner-item.ts';
import { RunnerStateChangedError, type RunnersStore, type StoreWrite } from './runners-store.ts';
import { type StoredItem, type TableNames, ticketTableOf, transactItemOf } from './transact-items.ts';

/** A write met a transaction on one item, or there are too many at once: nothing is wrong, the loser comes again. */
export const conflictBackoff = {
  maxAttempts: 18,
  firstDelayMilliseconds: 25,
  longestDelayMilliseconds: 500,
  budgetMilliseconds: 6_000,
};

/** Of the jobs that wait for a place, one of the first can nearly always start. */
const waitingPageSize = 20;

/** The runners' items and tickets in DynamoDB. */
export function createRunnersStore(
  dynamodb: DynamoDBDocumentClient,
  tables: TableNames,
  backoffPorts: BackoffPorts = systemBackoffPorts,
): RunnersStore {
  const read: RunnersStore['read'] = async (job) => {
    const { Item } = await dynamodb.send(
      new GetCommand({ TableName: tables.runners, Key: { pk: job }, ConsistentRead: true }),
    );
    return Item ? itemOf(Item) : null;
  };
  /** Through an index that may be a moment old: what it finds is read as it is now. */
  const readBy = async <K extends 'runnerId' | 'instanceId'>(IndexName: string, key: K, value: RunnerItem[K]) => {
    const { Items } = await dynamodb.send(
      new QueryCommand({
        TableName: tables.runners,
        IndexName,
        KeyConditionExpression: `${key} = :value`,
        ExpressionAttributeValues: { ':value': value },
      }),
    );
    const found = Items?.[0] as Pick<RunnerItem, 'pk'> | undefined;
    const item = found ? await read(found.pk) : null;
    return item?.[key] === value ? item : null;
  };
  const queryOf = (IndexName: string, key: string, value: string) => ({
    TableName: tables.runners,
    IndexName,
    KeyConditionExpression: `${key} = :value`,
    ExpressionAttributeValues: { ':value': value },
  });
  const readAll = async (index: string, key: string, value: string) => {
    const items: RunnerItem[] = [];
    for await (const page of paginateQuery({ client: dynamodb }, queryOf(index, key, value))) {
      items.push(...(page.Items ?? []).map(itemOf));
    }
    return items;
  };
  return {
    read,
    readByRunnerId: (runnerId) => readBy(runnerIdIndex, 'runnerId', runnerId),
    readByInstanceId: (instanceId) => readBy(instanceIdIndex, 'instanceId', instanceId),

    async readLive() {
      const [live, waiting] = await Promise.all([
        readAll(liveIndex, 'live', liveMark),
        readAll(liveIndex, 'live', waitingMark),
      ]);
      return waiting.length === 0 ? live : [...live, ...waiting].sort((a, b) => (a.admittedAt < b.admittedAt ? -1 : 1));
    },
    readLiveOf: (pool) => readAll(livePoolIndex, 'livePool', pool),

    async readWaiting(after) {
      const start = after && { ExclusiveStartKey: { pk: after.pk, live: waitingMark, admittedAt: after.admittedAt } };
      const first = { ...queryOf(liveIndex, 'live', waitingMark), Limit: waitingPageSize, ...start };
      const { Items } = await dynamodb.send(new QueryCommand(first));
      return (Items ?? []).map(itemOf);
    },

    async placesTaken(counters) {
      const reads = counters.map(async (counter) => {
        const { Item } = await dynamodb.send(
          new GetCommand({ TableName: tables.runners, Key: { pk: counter }, ConsistentRead: true }),
        );
        return [counter, Number(Item?.inUse ?? 0)] as const;
      });
      return new Map(await Promise.all(reads));
    },

    async readGate(projectId) {
      const { Item } = await dynamodb.send(
        new GetCommand({ TableName: tables.runners, Key: { pk: gateKeyOf(projectId) }, ConsistentRead: true }),
      );
      return (Item as GateItem | undefined) ?? null;
    },

    async readTicket(id) {
      const { Item } = await dynamodb.send(
        new GetCommand({ TableName: ticketTableOf(id, tables), Key: { id }, ConsistentRead: true }),
      );
      return (Item as RunnerTicket | undefined) ?? null;
    },

    async write(...parts) {
      try {
        // One token for all tries: DynamoDB then knows a transaction of which only its answer was lost.
        const token = randomUUID();
        await retryWithBackoff(() => send(dynamodb, tables, parts, token), judgeFailure, conflictBackoff, backoffPorts);
      } catch (error) {
        throw refusalOf(error, parts);
      }
    },
  };
}

function itemOf(stored: Record<string, unknown>): RunnerItem {
  const { livePool: _, ...item } = stored as StoredItem;
  return item;
}

/** What is canceled for a condition that does not hold is refused, whatever else was wrong with it. */
function judgeFailure(error: unknown) {
  const codes = cancellationCodes(error);
  if (codes.includes('ConditionalCheckFailed')) return { retry: false };
  return { retry: [...codes, error instanceof Error ? error.name : ''].some(isPassing) };
}

/** A single part costs half of what a transaction costs. */
async function send(
  dynamodb: DynamoDBDocumentClient,
  tables: TableNames,
  parts: readonly StoreWrite[],
  ClientRequestToken: string,
): Promise<void> {
  const TransactItems = parts.map((part) => transactItemOf(part, tables));
  const [only, ...others] = TransactItems;
  if (!only) return;
  if (others.length > 0) await dynamodb.send(new TransactWriteCommand({ TransactItems, ClientRequestToken }));
  else if (only.Update) await dynamodb.send(new UpdateCommand(only.Update));
  else if (only.Put) await dynamodb.send(new PutCommand(only.Put));
  else if (only.Delete) await dynamodb.send(new DeleteCommand(only.Delete));
}

/** The reason of each part of a canceled transaction, in order; empty for any other error. */
function cancellationCodes(error: unknown): string[] {
  if (!(error instanceof TransactionCanceledException)) return [];
  return (error.CancellationReasons ?? []).map((reason) => reason.Code ?? 'None');
}

function refusalOf(error: unknown, parts: readonly StoreWrite[]): unknown {
  const codes =
    error instanceof ConditionalCheckFailedException ? ['ConditionalCheckFailed'] : cancellationCodes(error);
  const refused = codes.flatMap((code, index) => (code === 'ConditionalCheckFailed' ? [index] : []));
  if (refused.length === 0) return error;
  const what = refused.map((index) => nameOf(parts[index])).join(', ');
  return new RunnerStateChangedError(`${what}: not in the state that this step begins from`, refused, { cause: error });
}

function nameOf(part: StoreWrite | undefined): string {
  switch (part?.kind) {
    case 'update':
      return part.job;
    case 'put':
      return part.item.pk;
    case 'put-gate':
      return part.gate.pk;
    case 'take-place':
    case 'give-place-back':
      return part.cap.counter;
    default:
      return part?.kind ?? 'write';
  }
}
