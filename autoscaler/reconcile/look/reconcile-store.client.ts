import { randomUUID } from 'node:crypto';
import { ConditionalCheckFailedException } from '@aws-sdk/client-dynamodb';
import {
  type DynamoDBDocumentClient,
  GetCommand,
  PutCommand,
  paginateQuery,
  paginateScan,
} from '@aws-sdk/lib-dynamodb';
import { type KnownProject, projectMark } from '../../runner-store/known-projects.ts';
import { liveIndex } from '../../runner-store/runner-indexes.ts';
import type { TableNames } from '../../runner-store/transact-items.ts';
import { emptyMemory, type ReconcilerMemory } from './memory.ts';
import type { ReconcileStore } from './reconcile-store.ts';
import type { SeenTicket } from './seen.ts';

const memoryKey = 'reconciler#memory';

type KeptMemory = { readonly memory: string; readonly version: number; readonly writtenBy?: string };

/** What the reconciler keeps, as items of the runners' table that neither are a job's nor a counter. */
export function createReconcileStore(dynamodb: DynamoDBDocumentClient, tables: TableNames): ReconcileStore {
  const read = async () => {
    const { Item } = await dynamodb.send(
      new GetCommand({ TableName: tables.runners, Key: { pk: memoryKey }, ConsistentRead: true }),
    );
    return Item as KeptMemory | undefined;
  };
  return {
    async readMemory() {
      const kept = await read();
      return kept ? { ...(JSON.parse(kept.memory) as ReconcilerMemory), version: kept.version } : emptyMemory;
    },

    async writeMemory(memory) {
      const version = memory.version + 1;
      const writtenBy = randomUUID();
      try {
        await dynamodb.send(
          new PutCommand({
            TableName: tables.runners,
            // As text: keys of suspicions are of all kinds, and nobody asks DynamoDB for them.
            Item: { pk: memoryKey, version, writtenBy, memory: JSON.stringify({ ...memory, version }) },
            ConditionExpression: 'attribute_not_exists(pk) OR version = :before',
            ExpressionAttributeValues: { ':before': memory.version },
          }),
        );
        return true;
      } catch (error) {
        if (!(error instanceof ConditionalCheckFailedException)) throw error;
        // A write whose answer was lost is sent again, and meets itself.
        return (await read())?.writtenBy === writtenBy;
      }
    },

    async listProjects() {
      const query = {
        TableName: tables.runners,
        IndexName: liveIndex,
        KeyConditionExpression: 'live = :project',
        ExpressionAttributeValues: { ':project': projectMark },
      };
      const projects: KnownProject[] = [];
      for await (const page of paginateQuery({ client: dynamodb }, query)) {
        projects.push(...((page.Items ?? []) as KnownProject[]).map(({ projectId, path }) => ({ projectId, path })));
      }
      return projects;
    },

    async listTickets() {
      // The tables hold the tickets of the last minutes alone. Their tokens are not asked for.
      const asked = {
        ProjectionExpression: '#id, #job, #expiresAt',
        ExpressionAttributeNames: { '#id': 'id', '#job': 'job', '#expiresAt': 'expiresAt' },
      };
      const tickets: SeenTicket[] = [];
      for (const TableName of [tables.waitingTickets, tables.tickets]) {
        for await (const page of paginateScan({ client: dynamodb }, { TableName, ...asked })) {
          tickets.push(...((page.Items ?? []) as SeenTicket[]));
        }
      }
      return tickets;
    },
  };
}
