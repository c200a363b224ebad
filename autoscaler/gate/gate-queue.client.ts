import { ConditionalCheckFailedException } from '@aws-sdk/client-dynamodb';
import { type DynamoDBDocumentClient, GetCommand, UpdateCommand, type UpdateCommandInput } from '@aws-sdk/lib-dynamodb';
import { type GateQueue, gateQueueKeyOf } from './gate-queue.ts';

const lifeSeconds = 24 * 60 * 60;

type QueueItem = { readonly keeper?: string; readonly keptUntil?: number; readonly about?: readonly number[] };
type QueueUpdate = Pick<UpdateCommandInput, 'UpdateExpression' | 'ConditionExpression' | 'ExpressionAttributeValues'>;

/**
 * The queues in the runners table, an item for each project. Each write may be sent twice: its first answer is lost.
 */
export function createGateQueue(dynamodb: DynamoDBDocumentClient, TableName: string): GateQueue {
  const keyOf = (projectId: number) => ({ TableName, Key: { pk: gateQueueKeyOf(projectId) } });
  /** What stood there before; null when the condition does not hold. */
  const update = async (projectId: number, parts: QueueUpdate): Promise<QueueItem | null> => {
    try {
      const command = new UpdateCommand({ ...keyOf(projectId), ...parts, ReturnValues: 'ALL_OLD' });
      const { Attributes = {} } = await dynamodb.send(command);
      return Attributes as QueueItem;
    } catch (error) {
      if (error instanceof ConditionalCheckFailedException) return null;
      throw error;
    }
  };
  const isKeptBy = async (projectId: number, id: string): Promise<boolean> => {
    const { Item } = await dynamodb.send(new GetCommand({ ...keyOf(projectId), ConsistentRead: true }));
    return (Item as QueueItem | undefined)?.keeper === id;
  };
  return {
    async join(projectId, jobId, { id, until }, now) {
      for (;;) {
        const before = await update(projectId, {
          UpdateExpression: 'SET keeper = :id, keptUntil = :until, expiresAt = :expiresAt REMOVE about',
          ConditionExpression: 'attribute_not_exists(keeper) OR keptUntil < :now OR keeper = :id',
          ExpressionAttributeValues: {
            ':id': id,
            ':until': until,
            ':now': now,
            ':expiresAt': Math.floor(now / 1_000) + lifeSeconds,
          },
        });
        if (before) return before.about ?? [];
        const handedOn = await update(projectId, {
          UpdateExpression: 'SET about = list_append(if_not_exists(about, :none), :jobs)',
          ConditionExpression: 'keptUntil >= :now',
          ExpressionAttributeValues: { ':none': [], ':jobs': jobId === null ? [] : [jobId], ':now': now },
        });
        // Else he has just ended.
        if (handedOn) return null;
      }
    },

    async next(projectId, { id }) {
      const ended = await update(projectId, {
        UpdateExpression: 'REMOVE keeper, keptUntil',
        ConditionExpression: 'keeper = :id AND attribute_not_exists(about)',
        ExpressionAttributeValues: { ':id': id },
      });
      if (ended) return null;
      const before = await update(projectId, {
        UpdateExpression: 'REMOVE about',
        ConditionExpression: 'keeper = :id AND attribute_exists(about)',
        ExpressionAttributeValues: { ':id': id },
      });
      if (before) return before.about ?? [];
      // Which jobs it were was in an answer that was lost.
      return (await isKeptBy(projectId, id)) ? [] : null;
    },

    async leave(projectId, { id }) {
      const before = await update(projectId, {
        UpdateExpression: 'REMOVE keeper, keptUntil',
        ConditionExpression: 'keeper = :id',
        ExpressionAttributeValues: { ':id': id },
      });
      return before?.about !== undefined;
    },
  };
}
