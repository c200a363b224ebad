import { ConditionalCheckFailedException } from '@aws-sdk/client-dynamodb';
import { type DynamoDBDocumentClient, GetCommand, UpdateCommand } from '@aws-sdk/lib-dynamodb';
import { type MarkableJob, type RetryMarks, type RetryReason, retryMarkKeyOf } from './retry-marks.ts';
import { expiryOf } from './runner-item.ts';

/** The marks in the runners table, beside the items and the counters. */
export function createRetryMarks(dynamodb: DynamoDBDocumentClient, TableName: string, now: () => number): RetryMarks {
  const read = async (job: MarkableJob) => {
    const { Item } = await dynamodb.send(
      new GetCommand({ TableName, Key: { pk: retryMarkKeyOf(job) }, ConsistentRead: true }),
    );
    return Item as
      | { readonly interrupted: number; readonly retry?: number; readonly because?: RetryReason }
      | undefined;
  };
  /** False when the condition does not hold. */
  const update = async (job: MarkableJob, change: { set: string; only: string; values?: Record<string, unknown> }) => {
    try {
      await dynamodb.send(
        new UpdateCommand({
          TableName,
          Key: { pk: retryMarkKeyOf(job) },
          UpdateExpression: change.set,
          ConditionExpression: change.only,
          ExpressionAttributeValues: { ':job': job.jobId, ...change.values },
        }),
      );
      return true;
    } catch (error) {
      if (error instanceof ConditionalCheckFailedException) return false;
      throw error;
    }
  };
  return {
    async mark(job, because) {
      if (job.pipelineId === null) return false;
      return update(job, {
        set: 'SET interrupted = :job, because = if_not_exists(because, :because), expiresAt = :expiresAt',
        only: 'attribute_not_exists(pk) OR interrupted = :job',
        values: { ':because': because, ':expiresAt': expiryOf(now()) },
      });
    },
    async isMarked(job) {
      return job.pipelineId !== null && (await read(job))?.interrupted === job.jobId;
    },
    async claim(job) {
      if (job.pipelineId === null) return false;
      const mark = await read(job);
      if (!mark || mark.because === 'misplaced' || mark.interrupted >= job.jobId) return false;
      if (mark.retry !== undefined) return mark.retry === job.jobId;
      return update(job, {
        set: 'SET retry = :job',
        only: 'interrupted < :job AND (attribute_not_exists(retry) OR retry = :job)',
      });
    },
  };
}
