import { DynamoDBClient, type ScanCommandInput } from '@aws-sdk/client-dynamodb';
import { DynamoDBDocumentClient } from '@aws-sdk/lib-dynamodb';
import { describe, expect, it } from 'vitest';
import { type AttributeValue, storedItemOf } from '../../../autoscaler/job-mappings/attribute-values.ts';
import { createJobMappings } from '../../../autoscaler/job-mappings/job-mappings.client.ts';

type Page = { readonly Items?: readonly Record<string, AttributeValue>[]; readonly LastEvaluatedKey?: object } | Error;

/**
 * The mappings of a table that gives these pages, one for each request (the last one for ever), and a clock to turn.
 */
function mappingsOf(...pages: readonly Page[]) {
  const clock = { milliseconds: 0 };
  const requests: ScanCommandInput[] = [];
  const dynamodb = DynamoDBDocumentClient.from(new DynamoDBClient({ region: 'eu-west-1' }));
  dynamodb.send = (async ({ input }: { readonly input: ScanCommandInput }) => {
    const page = pages[Math.min(requests.length, pages.length - 1)];
    requests.push(input);
    if (page instanceof Error) throw page;
    return page;
  }) as never;
  return { mappings: createJobMappings(dynamodb, 'mappings', () => clock.milliseconds), clock, requests };
}
const row = (name: string, changes: object = {}) =>
  storedItemOf({ pk: `job#${name}`, sk: 'tags#', type: 'EC2', ...changes });

describe('the job mappings', () => {
  it('are all rows of the table, over as many pages as it has', async () => {
    const LastEvaluatedKey = { pk: { S: 'job#a' } };
    const { mappings, requests } = mappingsOf({ Items: [row('a')], LastEvaluatedKey }, { Items: [row('b')] });
    const { mappings: found } = await mappings.read();
    expect(found.map(({ jobName }) => jobName)).toEqual(['a', 'b']);
    expect(requests.map(({ ExclusiveStartKey }) => ExclusiveStartKey)).toEqual([undefined, LastEvaluatedKey]);
  });

  it('are parted from the rows that cannot be used', async () => {
    const { mappings } = mappingsOf({ Items: [row('a'), row('b', { type: 'VM' }), row('c')] });
    const { mappings: usable, invalid } = await mappings.read();
    expect(usable.map(({ jobName }) => jobName)).toEqual(['a', 'c']);
    expect(invalid).toMatchObject([{ id: 'job#b tags#' }]);
  });

  it('are none in an empty table', async () => {
    expect(await mappingsOf({}).mappings.read()).toEqual({ mappings: [], invalid: [] });
  });

  it('are read once in ten seconds, after which an edit counts', async () => {
    const { mappings, clock, requests } = mappingsOf({ Items: [row('a')] }, { Items: [row('b')] });
    await mappings.read();
    clock.milliseconds = 9_999;
    expect((await mappings.read()).mappings).toMatchObject([{ jobName: 'a' }]);
    expect(requests).toHaveLength(1);
    clock.milliseconds = 10_000;
    expect((await mappings.read()).mappings).toMatchObject([{ jobName: 'b' }]);
  });

  it('are the same lists as long as the table is not read again, so that what was made of them can be kept', async () => {
    const { mappings, clock } = mappingsOf({ Items: [row('a')] });
    const first = (await mappings.read()).mappings;
    expect((await mappings.read()).mappings).toBe(first);
    clock.milliseconds = 10_000;
    expect((await mappings.read()).mappings).not.toBe(first);
  });

  it('are checked again only where they changed', async () => {
    const before = { Items: [row('a'), row('b'), row('c', { type: 'VM' })] };
    const { mappings, clock } = mappingsOf(before, { Items: [row('a'), row('b', { profile: 'large' }), row('d')] });
    const first = await mappings.read();
    clock.milliseconds = 10_000;
    const second = await mappings.read();
    expect(second.mappings[0]).toBe(first.mappings[0]);
    expect(second.mappings).toMatchObject([{ jobName: 'a' }, { target: { profile: 'large' } }, { jobName: 'd' }]);
    expect(second.invalid).toEqual([]);
  });

  it('are as old as the moment when their reading began, however long it took', async () => {
    const clock = { milliseconds: 0 };
    const dynamodb = DynamoDBDocumentClient.from(new DynamoDBClient({ region: 'eu-west-1' }));
    let readings = 0;
    dynamodb.send = (async () => {
      clock.milliseconds += 3_000;
      readings += 1;
      return { Items: [row(`reading ${readings}`)] };
    }) as never;
    const mappings = createJobMappings(dynamodb, 'mappings', () => clock.milliseconds);
    await mappings.read();
    clock.milliseconds = 10_000;
    expect((await mappings.read()).mappings).toMatchObject([{ jobName: 'reading 2' }]);
  });

  it('leave out a row with a condition that is misspelt, instead of using it for every project', async () => {
    const { mappings } = mappingsOf({ Items: [row('a', { projekt: 'group/app' }), row('b', { note: 'for people' })] });
    const { mappings: usable, invalid } = await mappings.read();
    expect(usable.map(({ jobName }) => jobName)).toEqual(['b']);
    expect(invalid).toMatchObject([{ id: 'job#a tags#', faults: [expect.stringContaining('write "project"')] }]);
  });

  it('are asked for whole, so that nothing that a row says is overlooked', async () => {
    const { mappings, requests } = mappingsOf({ Items: [row('a')] });
    await mappings.read();
    expect(requests[0]?.ProjectionExpression).toBeUndefined();
  });

  it.each<[string, Record<string, object>]>([
    ['no sk', { pk: { S: 'job#a' }, type: { S: 'EC2' } }],
    ['a number as its type', { ...row('b'), type: { N: '1' } }],
    ['a number that no JavaScript number holds', { ...row('b'), maxConcurrent: { N: '12345678901234567890.5' } }],
    ['binary keys', { pk: { B: new Uint8Array([1]) }, sk: { B: new Uint8Array([2]) } }],
    ['a set as its project', { ...row('b'), project: { SS: ['x'] } }],
    ['a value of a type that is not known yet', { ...row('b'), profile: { V: [1, 2] } }],
    ['maps that are deep', { ...row('b'), arn: { M: { a: { L: [{ NULL: true }] } } }, type: { M: {} } }],
    ['a value without a type', { ...row('b'), project: {} }],
    ['nothing', {}],
    ['a type as large as an item can be', { ...row('b'), type: { S: 'x'.repeat(400_000) } }],
  ])('include the good rows beside a row with %s', async (_, rubbish) => {
    const { mappings } = mappingsOf({ Items: [row('a'), rubbish as never, row('c')] });
    const { mappings: usable, invalid } = await mappings.read();
    expect(usable.map(({ jobName }) => jobName)).toEqual(['a', 'c']);
    expect(invalid).toHaveLength(1);
  });

  it('are asked for again at once after a read that failed', async () => {
    const { mappings } = mappingsOf(new Error('slow down'), { Items: [row('a')] });
    await expect(mappings.read()).rejects.toThrow('slow down');
    expect((await mappings.read()).mappings).toMatchObject([{ jobName: 'a' }]);
  });
});
