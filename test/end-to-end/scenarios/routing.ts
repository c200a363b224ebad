import { setTimeout as sleep } from 'node:timers/promises';
import { DeleteItemCommand, DynamoDBClient, PutItemCommand, type PutItemCommandInput } from '@aws-sdk/client-dynamodb';
import { SSMClient } from '@aws-sdk/client-ssm';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { autoscalerParameters } from '../../../autoscaler/exports.ts';
import { readParameter } from '../../../helper-scripts/cli/deployment-names.client.ts';
import type { World } from '../world.ts';

type Row = NonNullable<PutItemCommandInput['Item']>;

const row = (name: string, tags: string, more: Row = {}): Row => ({
  pk: { S: `job#${name}` },
  sk: { S: `tags#${tags}` },
  ...more,
});
const ec2: Row = { type: { S: 'EC2' } };

/** What people and older programs leave in a table. */
const rubbish: readonly Row[] = [
  { pk: { S: 'notes' }, sk: { S: 'who to ask' }, text: { S: 'the platform team' } },
  row('good', 'nonsense', { type: { S: 'TELEPORT' } }),
  row('good', 'number', { type: { N: '7' } }),
  row('good', 'nothing'),
  row('good', 'no-arn', { type: { S: 'LAMBDA' } }),
  row('good', 'half', { ...ec2, maxConcurrent: { N: '1.5' } }),
  row('good', 'words', { ...ec2, timeoutMinutes: { S: 'ten' } }),
  row('good', 'long-number', { ...ec2, weight: { N: '9'.repeat(38) } }),
  row('good', 'huge', { type: { S: 'UNKNOWN' }, notes: { S: 'x'.repeat(390_000) } }),
  row('good', 'binary', { type: { B: new Uint8Array([1, 2, 3]) } }),
  { pk: { S: 'job#' }, sk: { S: 'tags#' }, ...ec2 },
  { pk: { S: 'job#good' }, sk: { S: 'not tags' }, ...ec2 },
];

const foreignArn = 'arn:aws:lambda:eu-west-1:999999999999:function:somebody-elses';
const shell: Row = { type: { S: 'LAMBDA' }, arn: { S: 'shell' } };
const rows: readonly Row[] = [
  ...rubbish,
  row('good', '', shell),
  row('foreign', 'aws', { type: { S: 'LAMBDA' }, arn: { S: foreignArn } }),
  row('unknown', 'aws', { ...ec2, profile: { S: 'huge' } }),
  row('narrow', 'aws', { ...shell, maxConcurrent: { N: '1' } }),
];
/** An edit counts within ten seconds: each process keeps the table for so long. */
const editSeconds = 10;

export function routing(world: () => World): void {
  /** The table with the mappings, reached as a person would who edits it in the console. */
  async function table() {
    const { run } = world();
    const name = autoscalerParameters(run.deployment).mappingsTable;
    const TableName = await readParameter(name, new SSMClient(run.clientOptions()));
    return { TableName, dynamodb: new DynamoDBClient(run.clientOptions()) };
  }

  beforeAll(async () => {
    const { TableName, dynamodb } = await table();
    for (const Item of rows) await dynamodb.send(new PutItemCommand({ TableName, Item }));
    await sleep(editSeconds * 1_000);
  });

  afterAll(async () => {
    const { TableName, dynamodb } = await table();
    for (const { pk, sk } of rows) {
      await dynamodb.send(new DeleteItemCommand({ TableName, Key: { pk: pk as never, sk: sk as never } }));
    }
  });

  it('follows an edit of seconds ago, whatever rubbish stands beside the row', async () => {
    const [job] = world().startPipeline('good: { tags: [aws], script: [echo routed] }');
    if (!job) throw new Error('the pipeline has no job');
    expect((await world().untilOver(job))[0]).toMatchObject({ status: 'success' });
    expect(await world().itemOf(job)).toMatchObject({ type: 'LAMBDA', profile: 'shell', mapping: 'job#good tags#' });
    await world().untilNothingIsLeft();
  });

  it('lets jobs wait for a function and a profile that were not deployed, names the row, and goes on with other jobs', async () => {
    // The good one comes first: else its runner would take the others, since GitLab gives the oldest job to any runner
    // with the tags.
    const yaml = ['fine', 'foreign', 'unknown'].map((name) => `${name}: { tags: [aws], script: [echo ok] }`).join('\n');
    const [fine, toForeign, toUnknown] = world().startPipeline(yaml);
    if (!toForeign || !toUnknown || !fine) throw new Error('the pipeline has not three jobs');
    const waits = [await world().untilState(toForeign, 'WAITING'), await world().untilState(toUnknown, 'WAITING')];
    expect(waits.map(({ waitsFor }) => waitsFor)).toMatchObject([
      {
        error: 'MappingNotAllowedError',
        message: expect.stringMatching(/job#foreign tags#aws.*somebody-elses.*shell/),
      },
      {
        error: 'MappingNotAllowedError',
        message: expect.stringMatching(/job#unknown tags#aws.*"huge".*default, large/),
      },
    ]);
    expect((await world().untilOver(fine))[0]).toMatchObject({ status: 'success' });
    for (const job of [toForeign, toUnknown]) world().run.gitlab.cancelJob(job.id);
    await world().untilNothingIsLeft();
  });

  it('lets jobs wait at the cap of a row, and start as others end', async () => {
    let running = 0;
    let most = 0;
    const stopListening = world().run.gitlab.onJobChange(({ from, to, job }) => {
      if (!job.name.startsWith('narrow')) return;
      if (to === 'running') running += 1;
      if (from === 'running') running -= 1;
      most = Math.max(most, running);
    });
    const jobs = world().startPipeline('narrow: { parallel: 3, tags: [aws], script: [sleep 1] }');
    const over = await world().untilOver(...jobs);
    stopListening();
    expect(over.map(({ status }) => status)).toEqual(['success', 'success', 'success']);
    expect(most).toBe(1);
    await world().untilNothingIsLeft();
  });
}
