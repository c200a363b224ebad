import type { JobKey } from '../../infrastructure/lib/job-key.ts';
import { type AdmissionRequest, judgeAdmission, waitingItem } from './admission.ts';
import { CapReachedError, JobAlreadyAdmittedError } from './runner-errors.ts';
import type { Cap, RunnerItem } from './runner-item.ts';
import { cancellationCodes, type RunnersTable, type TransactItem } from './runners-table.client.ts';

/**
 * Admits a job: its item and the counters of its caps move in one transaction, the single gate before any side effect.
 *
 * @returns the attempt that begins.
 * @throws {JobAlreadyAdmittedError} for a duplicate, or when the job has used up its attempts.
 * @throws {CapReachedError} when a cap is reached: the job is WAITING then.
 */
export async function admitJob(table: RunnersTable, job: JobKey, request: AdmissionRequest): Promise<number> {
  const current = await table.read(job);
  const verdict = judgeAdmission(current, request);
  if (verdict.kind === 'already-ours') return verdict.attempt;
  if (verdict.kind === 'refuse')
    throw new JobAlreadyAdmittedError(`${job} gets no runner from this event: ${verdict.why}`);
  const { item } = verdict;
  const full = await takePlaces(table, current, item);
  if (full.length === 0) return item.attempt;

  // Wait in the table first and try once more then: a place that became free in between would else wake nobody.
  const waiting = waitingItem(item);
  await table.transact([putOver(table.tableName, current, waiting)]).catch(rethrowAsDuplicate(job));
  const stillFull = await takePlaces(table, waiting, item);
  if (stillFull.length === 0) return item.attempt;
  const limits = stillFull.map(({ counter, limit }) => `${counter} allows ${limit} at the same time`).join(', ');
  throw new CapReachedError(`${job} waits: ${limits}`);
}

/** Writes the admitted item and counts it under its caps, all or nothing; returns the caps that are full. */
async function takePlaces(table: RunnersTable, current: RunnerItem | null, item: RunnerItem): Promise<Cap[]> {
  try {
    const counters = item.caps.map((cap) => takePlace(table.tableName, cap));
    await table.transact([putOver(table.tableName, current, item), ...counters]);
    return [];
  } catch (error) {
    const full = item.caps.filter((_, index) => cancellationCodes(error)[index + 1] === 'ConditionalCheckFailed');
    if (full.length > 0) return full;
    return rethrowAsDuplicate(item.pk)(error);
  }
}

function rethrowAsDuplicate(job: JobKey) {
  return (error: unknown): never => {
    if (cancellationCodes(error)[0] !== 'ConditionalCheckFailed') throw error;
    throw new JobAlreadyAdmittedError(`${job} was admitted by somebody else at the same moment`, { cause: error });
  };
}

/** Puts the item only over what was read, so that of two writers one loses. */
function putOver(TableName: string, current: RunnerItem | null, Item: RunnerItem): TransactItem {
  if (!current) return { Put: { TableName, Item, ConditionExpression: 'attribute_not_exists(pk)' } };
  return {
    Put: {
      TableName,
      Item,
      ConditionExpression: '#state = :state AND attempt = :attempt AND admittedBy = :admittedBy',
      ExpressionAttributeNames: { '#state': 'state' },
      ExpressionAttributeValues: {
        ':state': current.state,
        ':attempt': current.attempt,
        ':admittedBy': current.admittedBy,
      },
    },
  };
}

function takePlace(TableName: string, { counter, limit }: Cap): TransactItem {
  return {
    Update: {
      TableName,
      Key: { pk: counter },
      UpdateExpression: 'ADD inUse :one',
      ConditionExpression: 'attribute_not_exists(inUse) OR inUse < :limit',
      ExpressionAttributeValues: { ':one': 1, ':limit': limit },
    },
  };
}

/** Gives a place under a cap back; part of the transaction that ends the item. */
export function givePlaceBack(TableName: string, { counter }: Cap): TransactItem {
  return {
    Update: {
      TableName,
      Key: { pk: counter },
      UpdateExpression: 'ADD inUse :minusOne',
      ConditionExpression: 'inUse > :zero',
      ExpressionAttributeValues: { ':minusOne': -1, ':zero': 0 },
    },
  };
}
