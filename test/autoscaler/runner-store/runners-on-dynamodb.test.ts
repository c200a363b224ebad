import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { BatchWriteCommand, DynamoDBDocumentClient, paginateScan, type UpdateCommand } from '@aws-sdk/lib-dynamodb';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { admitJob } from '../../../autoscaler/demand/admit-job.ts';
import { nextWaiting } from '../../../autoscaler/demand/next-waiting.ts';
import { endRunner, leaveQueue } from '../../../autoscaler/end-runner/end-runner.ts';
import { createGateQueue } from '../../../autoscaler/gate/gate-queue.client.ts';
import { CapReachedError, JobAlreadyAdmittedError } from '../../../autoscaler/runner-store/runner-errors.ts';
import type { Cap } from '../../../autoscaler/runner-store/runner-item.ts';
import { createRunnersStore } from '../../../autoscaler/runner-store/runners-store.client.ts';
import type { RunnersStore } from '../../../autoscaler/runner-store/runners-store.ts';
import type { LocalAws } from '../../../helper-scripts/local-aws/local-aws.process.ts';
import { type JobKey, jobKeyOf } from '../../../infrastructure/kit/job-key.ts';
import { startTestAws } from '../../helper-scripts/local-aws/start-test-aws.ts';
import { choice, pendingJob, testStart } from '../../support/builders.ts';
import { createTablesAsDeployed } from '../../support/dynamodb-tables.ts';
import { describeGateQueue } from '../gate/gate-queue.contract.ts';
import { describeRunnersStore } from './runners-store.contract.ts';

const tables = { runners: 'the-runners', tickets: 'the-tickets', waitingTickets: 'the-waiting-tickets' };
let aws: LocalAws;
let dynamodb: DynamoDBDocumentClient;

beforeAll(async () => {
  aws = await startTestAws();
  const credentials = { accessKeyId: 'test', secretAccessKey: 'test' };
  const client = new DynamoDBClient({ endpoint: aws.endpoint, region: 'eu-west-1', credentials });
  dynamodb = DynamoDBDocumentClient.from(client, { marshallOptions: { removeUndefinedValues: true } });
  await createTablesAsDeployed(client, {
    Runners: tables.runners,
    Tickets: tables.tickets,
    WaitingTickets: tables.waitingTickets,
  });
});
afterAll(() => aws?.stop());

/** Empties the tables: a table is made only once, since making one takes longer than a test. */
async function empty(): Promise<void> {
  for (const [TableName, key] of [
    [tables.runners, 'pk'],
    [tables.tickets, 'id'],
    [tables.waitingTickets, 'id'],
  ] as const) {
    for await (const { Items = [] } of paginateScan({ client: dynamodb }, { TableName, Limit: 25 })) {
      const deletes = Items.map((item) => ({ DeleteRequest: { Key: { [key]: item[key] } } }));
      if (deletes.length === 0) continue;
      await dynamodb.send(new BatchWriteCommand({ RequestItems: { [TableName]: deletes } }));
    }
  }
}

const makeStore = () => ({ store: createRunnersStore(dynamodb, tables), reset: empty });

describeRunnersStore('the runners in DynamoDB', makeStore);
describeGateQueue('the queue of decisions in DynamoDB', () => ({
  queue: createGateQueue(dynamodb, tables.runners),
  reset: empty,
}));

it('goes on deciding when the answer was lost that says which jobs were handed on', async () => {
  await empty();
  const keeper = { id: 'keeper', until: 30_000 };
  const queue = createGateQueue(dynamodb, tables.runners);
  await queue.join(7, 1, keeper, 1_000);
  await queue.join(7, 2, { id: 'other', until: 30_000 }, 1_000);
  // As the SDK does when the first answer does not come.
  const twice = createGateQueue(
    {
      send: async (command: never) => {
        if ((command as UpdateCommand).input.UpdateExpression === 'REMOVE about') await dynamodb.send(command);
        return dynamodb.send(command);
      },
    } as unknown as DynamoDBDocumentClient,
    tables.runners,
  );
  expect(await twice.next(7, keeper)).toEqual([]);
  expect(await twice.next(7, keeper)).toBeNull();
});

describe('caps in DynamoDB', () => {
  const deployment: Cap = { counter: 'cap#deployment', limit: 7 };
  const profile: Cap = { counter: 'cap#profile#default', limit: 9 };
  const mapping: Cap = { counter: 'cap#mapping#job#*', limit: 8 };
  const caps = [deployment, profile, mapping];
  const jobIds = Array.from({ length: 100 }, (_, index) => index + 1);
  const keyOf = (jobId: number): JobKey => jobKeyOf(pendingJob({ jobId }));

  /** Asks for a job's runner as a workflow execution of that name would. */
  const admit = (store: RunnersStore, jobId: number, admittedBy = `execution-${jobId}`) =>
    admitJob(store, keyOf(jobId), {
      event: pendingJob({ jobId }),
      choice: choice({ caps }),
      admittedBy,
      now: new Date(testStart + jobId).toISOString(),
      maxAttempts: 3,
    }).then(
      () => 'admitted' as const,
      (error: unknown) => {
        if (error instanceof CapReachedError) return 'waits' as const;
        if (error instanceof JobAlreadyAdmittedError) return 'duplicate' as const;
        throw error;
      },
    );

  async function statesOf(store: RunnersStore): Promise<Record<string, number>> {
    const counts: Record<string, number> = {};
    for (const { state } of await store.readLive()) counts[state] = (counts[state] ?? 0) + 1;
    return counts;
  }
  const taken = async (store: RunnersStore) => [
    ...(await store.placesTaken(caps.map(({ counter }) => counter))).values(),
  ];

  it('let 7 of 100 jobs in that come at the same moment, twice each, and keep 93 waiting', async () => {
    const { store, reset } = makeStore();
    await Promise.all(jobIds.flatMap((jobId) => [admit(store, jobId), admit(store, jobId, `duplicate-${jobId}`)]));
    expect(await statesOf(store)).toEqual({ ADMITTED: 7, WAITING: 93 });
    expect(await taken(store)).toEqual([7, 7, 7]);
    await reset();
  });

  it('let every job in once, the oldest first, never more than 7, and are free when all are over', async () => {
    const { store, reset } = makeStore();
    const now = () => testStart + 60_000;
    await Promise.all(jobIds.map((jobId) => admit(store, jobId)));
    const waitedLongest = (await store.readLive()).filter(({ state }) => state === 'WAITING').map(({ pk }) => pk);
    const letIn: JobKey[] = [];
    for (;;) {
      const running = (await store.readLive()).filter(({ state }) => state === 'ADMITTED');
      if (running.length === 0) break;
      expect(running.length).toBeLessThanOrEqual(7);
      expect(await taken(store)).toEqual([running.length, running.length, running.length]);
      // All that run end at the same moment; each release is told twice.
      await Promise.all(
        running.flatMap((item) => {
          const ended = { ...item, jobState: 'FINISHED' as const };
          const end = () => endRunner({ store, now }, ended, { from: ['ADMITTED'], end: { state: 'RELEASED' } });
          return [
            store
              .write({ kind: 'update', job: item.pk, from: ['ADMITTED'], set: { jobState: 'FINISHED' } })
              .then(() => Promise.allSettled([end(), end()])),
          ];
        }),
      );
      for (const item of running) {
        for (const event of await nextWaiting({ store, now: Date.now }, item)) {
          if ((await admit(store, event.jobId)) === 'admitted') letIn.push(keyOf(event.jobId));
        }
      }
    }
    expect(letIn).toEqual(waitedLongest);
    expect(await statesOf(store)).toEqual({});
    expect(await taken(store)).toEqual([0, 0, 0]);
    await reset();
  });

  it('count no job that left the queue', async () => {
    const { store, reset } = makeStore();
    await Promise.all(jobIds.slice(0, 10).map((jobId) => admit(store, jobId)));
    const waiting = (await store.readLive()).filter(({ state }) => state === 'WAITING');
    expect(waiting).toHaveLength(3);
    for (const item of waiting) await leaveQueue({ store, now: () => testStart }, item);
    expect(await statesOf(store)).toEqual({ ADMITTED: 7 });
    expect(await taken(store)).toEqual([7, 7, 7]);
    await reset();
  });
});
