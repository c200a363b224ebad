import { BatchWriteItemCommand, DynamoDBClient, type WriteRequest } from '@aws-sdk/client-dynamodb';
import { describe, expect, it } from 'vitest';
import { createMappingTable, WriteNotFinishedError } from '../../../helper-scripts/cli/mapping-table.client.ts';

type Answer = (requests: readonly WriteRequest[], call: number) => readonly WriteRequest[];

/** A table that takes what `answer` does not hand back, and a clock that only waiting moves. */
function tableThat(answer: Answer) {
  const clock = { milliseconds: 0 };
  const written: string[] = [];
  const sizes: number[] = [];
  const dynamodb = new DynamoDBClient({ region: 'eu-west-1' });
  dynamodb.send = (async (command: unknown) => {
    if (!(command instanceof BatchWriteItemCommand)) throw new Error('only batches are expected');
    const requests = command.input.RequestItems?.mappings ?? [];
    sizes.push(requests.length);
    const left = answer(requests, sizes.length);
    written.push(...requests.filter((request) => !left.includes(request)).map(nameOf));
    return left.length > 0 ? { UnprocessedItems: { mappings: left } } : {};
  }) as never;
  const ports = {
    now: () => clock.milliseconds,
    sleep: async (milliseconds: number) => {
      clock.milliseconds += milliseconds;
    },
    random: () => 0.5,
  };
  return { table: createMappingTable(dynamodb, 'mappings', ports), written, sizes, clock };
}
const nameOf = ({ PutRequest, DeleteRequest }: WriteRequest) =>
  PutRequest ? `+${PutRequest.Item?.pk?.S}` : `-${DeleteRequest?.Key?.pk?.S}`;
const rows = (count: number, prefix = 'job') =>
  Array.from({ length: count }, (_, index) => ({ pk: `job#${prefix} ${index}`, sk: 'tags#', type: 'IGNORE' }));
const everything = (count: number) => rows(count).map(({ pk }) => `+${pk}`);

describe('many rows', () => {
  it('are written in batches as large as DynamoDB takes, and removed in the same way', async () => {
    const { table, written, sizes } = tableThat(() => []);
    const told: number[] = [];
    await table.change(rows(60), rows(5, 'old'), (done) => told.push(done));
    expect(sizes.sort((a, b) => b - a)).toEqual([25, 25, 15]);
    expect(new Set(written)).toEqual(new Set([...everything(60), ...rows(5, 'old').map(({ pk }) => `-${pk}`)]));
    expect(told.at(-1)).toBe(65);
  });

  it('are written in the end when the table has no room for some at first', async () => {
    const { table, written, clock } = tableThat((requests, call) => (call < 5 ? requests.slice(1) : []));
    await table.change(rows(30), []);
    expect(written.sort()).toEqual(everything(30).sort());
    expect(clock.milliseconds).toBeGreaterThan(0);
  });

  it('are written in the end when the table takes none at first', async () => {
    const { table, written } = tableThat((_, call) => {
      if (call < 3) throw Object.assign(new Error('slow down'), { name: 'ProvisionedThroughputExceededException' });
      return [];
    });
    await table.change(rows(3), []);
    expect(written.sort()).toEqual(everything(3).sort());
  });

  it('are given up with how many are missing when there is no room for a long time', async () => {
    const { table } = tableThat((requests) => requests.filter((request) => nameOf(request) !== '+job#job 0'));
    const writing = table.change(rows(30), []);
    await expect(writing).rejects.toThrow(WriteNotFinishedError);
    await expect(writing).rejects.toThrow(/^1 of 30 rows are written, .* give the same command again/);
  });

  it('are given up at once when the table refuses them for good', async () => {
    const { table, clock } = tableThat(() => {
      throw Object.assign(new Error('not yours'), { name: 'AccessDeniedException' });
    });
    await expect(table.change(rows(1), [])).rejects.toThrow(/AccessDeniedException: not yours/);
    expect(clock.milliseconds).toBe(0);
  });

  it('that are none ask nothing of the table', async () => {
    const { table, sizes } = tableThat(() => []);
    await table.change([], []);
    expect(sizes).toEqual([]);
  });
});
