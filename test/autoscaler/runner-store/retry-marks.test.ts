import { ConditionalCheckFailedException, DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { DynamoDBDocumentClient } from '@aws-sdk/lib-dynamodb';
import { describe, expect, it } from 'vitest';
import { createRetryMarks } from '../../../autoscaler/runner-store/retry-marks.client.ts';
import type { MarkableJob } from '../../../autoscaler/runner-store/retry-marks.ts';
import { inMemoryRetryMarks } from '../../support/in-memory-retry-marks.ts';

type Mark = { interrupted: number; because?: string; retry?: number; expiresAt?: number };
type Command = {
  readonly constructor: { readonly name: string };
  readonly input: {
    readonly Key: { readonly pk: string };
    readonly ConditionExpression: string;
    readonly UpdateExpression: string;
    readonly ExpressionAttributeValues: {
      readonly ':job': number;
      readonly ':because'?: string;
      readonly ':expiresAt'?: number;
    };
  };
};

/** The marks over a table that knows the two conditions of ours. */
function inATable() {
  const items = new Map<string, Mark>();
  const dynamodb = DynamoDBDocumentClient.from(new DynamoDBClient({ region: 'eu-west-1' }));
  dynamodb.send = (async (command: Command) => {
    const { input } = command;
    const mark = items.get(input.Key.pk);
    if (command.constructor.name === 'GetCommand') return { Item: mark };
    const { ':job': job, ':because': because, ':expiresAt': expiresAt } = input.ExpressionAttributeValues;
    const holds = {
      'attribute_not_exists(pk) OR interrupted = :job': !mark || mark.interrupted === job,
      'interrupted < :job AND (attribute_not_exists(retry) OR retry = :job)':
        mark !== undefined && mark.interrupted < job && (mark.retry ?? job) === job,
    }[input.ConditionExpression];
    if (holds === undefined) throw new Error(`unknown condition ${input.ConditionExpression}`);
    if (!holds) throw new ConditionalCheckFailedException({ message: 'refused', $metadata: {} });
    const changes = input.UpdateExpression.includes('interrupted') ? { interrupted: job } : { retry: job };
    const first = because ? { because } : {};
    items.set(input.Key.pk, { interrupted: job, ...first, ...mark, ...changes, ...(expiresAt ? { expiresAt } : {}) });
    return {};
  }) as never;
  return { marks: createRetryMarks(dynamodb, 'runners', () => 0), items };
}

const job = (jobId: number, changes: Partial<MarkableJob> = {}): MarkableJob => ({
  projectId: 7,
  jobId,
  pipelineId: 50,
  jobName: 'build',
  ...changes,
});

describe.each([
  ['in memory', () => inMemoryRetryMarks()],
  ['in a table', () => inATable().marks],
])('a mark %s', (_, make) => {
  it('lets one retry of a job be, and tells the same to whoever asks again', async () => {
    const marks = make();
    expect(await marks.isMarked(job(1))).toBe(false);
    expect([
      await marks.mark(job(1), 'interrupted'),
      await marks.mark(job(1), 'interrupted'),
      await marks.mark(job(2), 'interrupted'),
    ]).toEqual([true, true, false]);
    expect([await marks.isMarked(job(1)), await marks.isMarked(job(2))]).toEqual([true, false]);
  });

  it('is claimed by the first job of that name after the marked one, again and again, and by no other', async () => {
    const marks = make();
    expect(await marks.claim(job(2))).toBe(false);
    await marks.mark(job(1), 'interrupted');
    expect(await marks.claim(job(1))).toBe(false);
    expect([await marks.claim(job(2)), await marks.claim(job(2)), await marks.claim(job(3))]).toEqual([
      true,
      true,
      false,
    ]);
  });

  it('is of one job name in one pipeline of one project', async () => {
    const marks = make();
    await marks.mark(job(1), 'interrupted');
    const others = [{ jobName: 'build 2/3' }, { pipelineId: 51 }, { projectId: 8 }];
    for (const other of others) expect(await marks.claim(job(2, other))).toBe(false);
    expect(await marks.claim(job(2))).toBe(true);
  });

  it('of a misplaced job is the one retry too, which is claimed by nobody: it may have spot capacity', async () => {
    const marks = make();
    expect(await marks.mark(job(1), 'misplaced')).toBe(true);
    expect(await marks.mark(job(2), 'interrupted')).toBe(false);
    expect(await marks.claim(job(2))).toBe(false);
  });

  it('keeps what it was made for', async () => {
    const marks = make();
    await marks.mark(job(1), 'interrupted');
    await marks.mark(job(1), 'misplaced');
    expect(await marks.claim(job(2))).toBe(true);
  });

  it('cannot be where GitLab does not tell the pipeline', async () => {
    const marks = make();
    expect(await marks.mark(job(1, { pipelineId: null }), 'interrupted')).toBe(false);
    expect(await marks.claim(job(2, { pipelineId: null }))).toBe(false);
  });
});

it('a mark in the table goes away by itself', async () => {
  const { marks, items } = inATable();
  await marks.mark(job(1), 'interrupted');
  expect(items.get('retry#7#50#build')).toEqual({
    interrupted: 1,
    because: 'interrupted',
    expiresAt: 14 * 24 * 60 * 60,
  });
});
