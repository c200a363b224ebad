import { ConditionalCheckFailedException, DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { DynamoDBDocumentClient, GetCommand } from '@aws-sdk/lib-dynamodb';
import { describe, expect, it } from 'vitest';
import { emptyMemory } from '../../../../autoscaler/reconcile/look/memory.ts';
import { createReconcileStore } from '../../../../autoscaler/reconcile/look/reconcile-store.client.ts';

const tables = { runners: 'runners', tickets: 'tickets', waitingTickets: 'waiting' };

type Kept = { readonly version: number } & Record<string, unknown>;

/** The reconciler's memory in a table of which the answers to some writes get lost: the SDK sends those again. */
function memoryTable() {
  const table: { item: Kept | undefined; answersLost: number } = { item: undefined, answersLost: 0 };
  const dynamodb = DynamoDBDocumentClient.from(new DynamoDBClient({ region: 'eu-west-1' }));
  const put = (Item: Kept, before: number) => {
    const holds = table.item === undefined || table.item.version === before;
    if (!holds) throw new ConditionalCheckFailedException({ message: 'refused', $metadata: {} });
    table.item = Item;
  };
  dynamodb.send = (async (command: { readonly input: Record<string, unknown> }) => {
    if (command instanceof GetCommand) return { Item: table.item };
    const { Item, ExpressionAttributeValues } = command.input as never as {
      Item: Kept;
      ExpressionAttributeValues: { ':before': number };
    };
    put(Item, ExpressionAttributeValues[':before']);
    if (table.answersLost === 0) return {};
    table.answersLost -= 1;
    put(Item, ExpressionAttributeValues[':before']);
    return {};
  }) as never;
  return { table, store: createReconcileStore(dynamodb, tables) };
}

describe('what a pass remembers', () => {
  it('is what the next pass finds', async () => {
    const { store } = memoryTable();
    expect(await store.writeMemory({ ...emptyMemory, roundStartedAt: 5 })).toBe(true);
    expect(await store.readMemory()).toMatchObject({ roundStartedAt: 5, version: 1 });
  });

  it('is that of one pass, of two at the same time', async () => {
    const { store } = memoryTable();
    const seen = await store.readMemory();
    const outcomes = await Promise.all([store.writeMemory(seen), store.writeMemory(seen)]);
    expect(outcomes.filter((wasWritten) => wasWritten)).toHaveLength(1);
  });

  it('is its own also when the answer was lost, so that the pass goes on to mend', async () => {
    const { store, table } = memoryTable();
    table.answersLost = 1;
    expect(await store.writeMemory(emptyMemory)).toBe(true);
    expect(await store.writeMemory(emptyMemory)).toBe(false);
  });
});
