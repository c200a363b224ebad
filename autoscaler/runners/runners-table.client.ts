import { ConditionalCheckFailedException, TransactionCanceledException } from '@aws-sdk/client-dynamodb';
import {
  type DynamoDBDocumentClient,
  GetCommand,
  PutCommand,
  paginateQuery,
  QueryCommand,
  TransactWriteCommand,
  type TransactWriteCommandInput,
  UpdateCommand,
} from '@aws-sdk/lib-dynamodb';
import { retryWithBackoff, systemBackoffPorts } from '../../infrastructure/lib/backoff.ts';
import type { JobKey } from '../../infrastructure/lib/job-key.ts';
import { RunnerStateChangedError } from './runner-errors.ts';
import { liveIndex, runnerIdIndex } from './runner-indexes.ts';
import { type JobState, jobStates, liveMark, type RunnerItem, type RunnerState } from './runner-item.ts';

export type TransactItem = NonNullable<TransactWriteCommandInput['TransactItems']>[number];

/** Two transactions met on one item: nothing is wrong, the loser comes again. */
const conflictBackoff = {
  maxAttempts: 8,
  firstDelayMilliseconds: 25,
  longestDelayMilliseconds: 400,
  budgetMilliseconds: 4_000,
};

/** A write to one runner's item: which states it may begin from, what it sets and removes. */
export type RunnerWrite = {
  readonly job: JobKey;
  readonly from: readonly RunnerState[];
  /** Only while the item is at this attempt. */
  readonly attempt?: number | undefined;
  readonly set: Partial<RunnerItem>;
  readonly remove?: readonly (keyof RunnerItem)[];
  /** Further conditions, all of which must hold: attribute names and the value they must have; undefined means absent. */
  readonly only?: Partial<Record<keyof RunnerItem, unknown>>;
};

/** Reads and conditional writes of the runners table; every refused write is a {@link RunnerStateChangedError}. */
export class RunnersTable {
  readonly #dynamodb: DynamoDBDocumentClient;
  readonly tableName: string;

  constructor(dynamodb: DynamoDBDocumentClient, tableName: string) {
    this.#dynamodb = dynamodb;
    this.tableName = tableName;
  }

  /** The item of a job as it is now (a consistent read). */
  async read(job: JobKey): Promise<RunnerItem | null> {
    const { Item } = await this.#dynamodb.send(
      new GetCommand({ TableName: this.tableName, Key: { pk: job }, ConsistentRead: true }),
    );
    return (Item as RunnerItem | undefined) ?? null;
  }

  /** The item whose runner has this id in GitLab; read again consistently, since an index lags. */
  async readByRunnerId(runnerId: number): Promise<RunnerItem | null> {
    const { Items } = await this.#dynamodb.send(
      new QueryCommand({
        TableName: this.tableName,
        IndexName: runnerIdIndex,
        KeyConditionExpression: 'runnerId = :runnerId',
        ExpressionAttributeValues: { ':runnerId': runnerId },
      }),
    );
    const found = Items?.[0] as RunnerItem | undefined;
    const item = found && (await this.read(found.pk));
    return item?.runnerId === runnerId ? item : null;
  }

  /** Every live item, oldest admission first; may be a moment old. */
  async readLive(): Promise<RunnerItem[]> {
    const items: RunnerItem[] = [];
    const query = {
      TableName: this.tableName,
      IndexName: liveIndex,
      KeyConditionExpression: 'live = :live',
      ExpressionAttributeValues: { ':live': liveMark },
    };
    for await (const page of paginateQuery({ client: this.#dynamodb }, query)) {
      items.push(...((page.Items ?? []) as RunnerItem[]));
    }
    return items;
  }

  /** Puts an item where there is none; false when there is one. */
  async putIfAbsent(item: RunnerItem): Promise<boolean> {
    try {
      await this.#dynamodb.send(
        new PutCommand({ TableName: this.tableName, Item: item, ConditionExpression: 'attribute_not_exists(pk)' }),
      );
      return true;
    } catch (error) {
      if (error instanceof ConditionalCheckFailedException) return false;
      throw error;
    }
  }

  /**
   * Notes what happened to a job, wherever its own runner is; a job that is over stays over. When its runner has ended as well, the
   * item leaves the live ones.
   *
   * @returns the item as it is then; null when there is none.
   */
  async noteJobState(job: JobKey, jobState: JobState, expiresAt: number): Promise<RunnerItem | null> {
    const item = await this.read(job);
    if (!item || jobStates.indexOf(item.jobState) >= jobStates.indexOf(jobState)) return item;
    const ended = jobState === 'FINISHED' && (item.state === 'RELEASED' || item.state === 'FAILED');
    try {
      await this.write({
        job,
        from: [item.state],
        only: { jobState: item.jobState },
        set: { jobState, ...(ended ? { expiresAt } : {}) },
        remove: ended ? ['live'] : [],
      });
      return { ...item, jobState };
    } catch (error) {
      // The runner took a step in between: look again, which ends because states only move forward.
      if (error instanceof RunnerStateChangedError) return this.noteJobState(job, jobState, expiresAt);
      throw error;
    }
  }

  /** @throws {RunnerStateChangedError} when the item is not in a state of `from`. */
  async write(write: RunnerWrite): Promise<void> {
    try {
      await this.#dynamodb.send(new UpdateCommand(this.asUpdate(write)));
    } catch (error) {
      throw refusalOf(error, write.job);
    }
  }

  /**
   * Several writes that happen together or not at all. A meeting with another transaction is tried again.
   *
   * @throws {RunnerStateChangedError} when a condition does not hold.
   */
  async writeTogether(writes: readonly RunnerWrite[], others: readonly TransactItem[] = []): Promise<void> {
    const TransactItems = [...writes.map((write) => ({ Update: this.asUpdate(write) })), ...others];
    try {
      await this.transact(TransactItems);
    } catch (error) {
      throw refusalOf(error, writes.map(({ job }) => job).join(', '));
    }
  }

  /** Sends a transaction, again when it met another one on the same item. */
  async transact(TransactItems: TransactItem[]): Promise<void> {
    const judge = (error: unknown) => ({ retry: cancellationCodes(error).includes('TransactionConflict') });
    const send = () => this.#dynamodb.send(new TransactWriteCommand({ TransactItems }));
    await retryWithBackoff(send, judge, conflictBackoff, systemBackoffPorts);
  }

  /** The write as a DynamoDB update with its condition. */
  asUpdate({ job, from, attempt, set, remove = [], only = {} }: RunnerWrite) {
    const names: Record<string, string> = { '#state': 'state' };
    const values: Record<string, unknown> = {};
    const states = from.map((state, index) => {
      values[`:from${index}`] = state;
      return `:from${index}`;
    });
    const conditions = [`#state IN (${states.join(', ')})`];
    const demand = (attribute: string, value: unknown) => {
      names[`#if_${attribute}`] = attribute;
      if (value === undefined) return conditions.push(`attribute_not_exists(#if_${attribute})`);
      values[`:if_${attribute}`] = value;
      return conditions.push(`#if_${attribute} = :if_${attribute}`);
    };
    if (attempt !== undefined) demand('attempt', attempt);
    for (const [attribute, value] of Object.entries(only)) demand(attribute, value);
    const sets = Object.entries(set)
      .filter(([, value]) => value !== undefined)
      .map(([attribute, value]) => {
        names[`#${attribute}`] = attribute;
        values[`:${attribute}`] = value;
        return `#${attribute} = :${attribute}`;
      });
    const removes = remove.map((attribute) => {
      names[`#${attribute}`] = attribute;
      return `#${attribute}`;
    });
    return {
      TableName: this.tableName,
      Key: { pk: job },
      UpdateExpression: [
        sets.length > 0 ? `SET ${sets.join(', ')}` : '',
        removes.length > 0 ? `REMOVE ${removes.join(', ')}` : '',
      ].join(' '),
      ConditionExpression: conditions.join(' AND '),
      ExpressionAttributeNames: names,
      ExpressionAttributeValues: values,
    };
  }
}

/** The reason of each part of a canceled transaction, in order; empty for any other error. */
export function cancellationCodes(error: unknown): string[] {
  if (!(error instanceof TransactionCanceledException)) return [];
  return (error.CancellationReasons ?? []).map((reason) => reason.Code ?? 'None');
}

function refusalOf(error: unknown, what: string): unknown {
  const refused =
    error instanceof ConditionalCheckFailedException || cancellationCodes(error).includes('ConditionalCheckFailed');
  return refused
    ? new RunnerStateChangedError(`${what} is no longer in the state that this step begins from`, { cause: error })
    : error;
}
