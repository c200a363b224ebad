import {
  ConditionalCheckFailedException,
  DynamoDBClient,
  TransactionCanceledException,
} from '@aws-sdk/client-dynamodb';
import { DynamoDBDocumentClient } from '@aws-sdk/lib-dynamodb';
import { describe, expect, it } from 'vitest';
import { createRunnersStore } from '../../../autoscaler/runner-store/runners-store.client.ts';
import { RunnerStateChangedError } from '../../../autoscaler/runner-store/runners-store.ts';
import { runnerItem } from '../../support/builders.ts';

type Command = { readonly constructor: { readonly name: string }; readonly input: Record<string, unknown> };

const tables = { runners: 'runners-table', tickets: 'tickets-table', waitingTickets: 'waiting-table' };

/**
 * The store over a DynamoDB that gives these answers, one after the other (the last one for ever); an Error is thrown.
 */
function storeAnswered(...answers: readonly unknown[]) {
  const sent: Command[] = [];
  const waits: number[] = [];
  const dynamodb = DynamoDBDocumentClient.from(new DynamoDBClient({ region: 'eu-west-1' }));
  dynamodb.send = (async (command: Command) => {
    const answer = answers[Math.min(sent.length, answers.length - 1)];
    sent.push(command);
    if (answer instanceof Error) throw answer;
    return answer ?? {};
  }) as never;
  let clock = 0;
  const backoff = {
    now: () => clock,
    sleep: async (milliseconds: number) => {
      waits.push(milliseconds);
      clock += milliseconds;
    },
    random: () => 0.5,
  };
  const store = createRunnersStore(dynamodb, tables, backoff);
  return { store, sent, waits, kinds: () => sent.map((command) => command.constructor.name) };
}

const options = { message: 'refused', $metadata: {} };
const conditionFailed = () => new ConditionalCheckFailedException(options);
const canceled = (...codes: string[]) =>
  new TransactionCanceledException({ ...options, CancellationReasons: codes.map((Code) => ({ Code })) });
const update = { kind: 'update', job: 'job#7#1', from: ['ADMITTED'], set: { state: 'STOPPING' } } as const;
const place = { kind: 'take-place', cap: { counter: 'cap#deployment', limit: 1 } } as const;

describe('a write', () => {
  it.each([
    ['UpdateCommand', [update]],
    ['PutCommand', [{ kind: 'put', item: runnerItem(), over: null }]],
    ['DeleteCommand', [{ kind: 'remove-ticket', id: 'i-1' }]],
    ['TransactWriteCommand', [update, place]],
  ] as const)('is a %s when it costs least so', async (kind, parts) => {
    const { store, kinds } = storeAnswered({});
    await store.write(...parts);
    expect(kinds()).toEqual([kind]);
  });

  it('of nothing asks DynamoDB nothing', async () => {
    const { store, sent } = storeAnswered({});
    await store.write();
    expect(sent).toEqual([]);
  });

  it('that is refused says what was at fault, and keeps the cause', async () => {
    const cause = conditionFailed();
    const { store, sent } = storeAnswered(cause);
    const refused = await store.write(update).catch((error: unknown) => error);
    expect(refused).toBeInstanceOf(RunnerStateChangedError);
    expect(refused).toMatchObject({ refused: [0], cause, message: expect.stringContaining('job#7#1') });
    expect(sent).toHaveLength(1);
  });

  it('of several parts that is refused names the parts at fault', async () => {
    const { store } = storeAnswered(canceled('None', 'ConditionalCheckFailed'));
    await expect(store.write(update, place)).rejects.toMatchObject({
      name: 'RunnerStateChangedError',
      refused: [1],
      message: expect.stringContaining('cap#deployment'),
    });
  });

  it('that met another transaction comes again, with waits that grow', async () => {
    const conflict = canceled('TransactionConflict', 'None');
    const { store, sent, waits } = storeAnswered(conflict, conflict, conflict, {});
    await store.write(update, place);
    expect(sent).toHaveLength(4);
    expect(waits).toEqual([12.5, 25, 50]);
  });

  it('that meets others for ever gives up with DynamoDB’s own error, which the workflow tries again', async () => {
    const { store, sent } = storeAnswered(canceled('TransactionConflict', 'None'));
    await expect(store.write(update, place)).rejects.toMatchObject({ name: 'TransactionCanceledException' });
    expect(sent).toHaveLength(18);
  });

  it('that met another transaction and is then refused is refused', async () => {
    const { store } = storeAnswered(
      canceled('None', 'TransactionConflict'),
      canceled('ConditionalCheckFailed', 'None'),
    );
    await expect(store.write(update, place)).rejects.toMatchObject({ refused: [0] });
  });

  it.each([
    'TransactionConflictException',
    'ThrottlingException',
    'ProvisionedThroughputExceededException',
    'RequestLimitExceeded',
    'InternalServerError',
  ])('of one part that meets %s comes again, and fails with just that in the end', async (name) => {
    const error = Object.assign(new Error('from DynamoDB'), { name });
    const once = storeAnswered(error, {});
    await once.store.write(update);
    expect(once.sent).toHaveLength(2);
    const forEver = storeAnswered(error);
    await expect(forEver.store.write(update)).rejects.toBe(error);
    expect(forEver.sent).toHaveLength(18);
  });

  it.each(['ThrottlingError', 'ProvisionedThroughputExceeded', 'TransactionConflict'])(
    'of several parts that is canceled for %s comes again',
    async (code) => {
      const { store, sent } = storeAnswered(canceled('None', code), {});
      await store.write(update, place);
      expect(sent).toHaveLength(2);
    },
  );

  it('of several parts is refused at once when a condition does not hold, whatever else was in the way', async () => {
    const { store, sent } = storeAnswered(canceled('ConditionalCheckFailed', 'TransactionConflict'));
    await expect(store.write(update, place)).rejects.toMatchObject({ refused: [0] });
    expect(sent).toHaveLength(1);
  });

  it('of several parts has one token for all of its tries, and another write another one', async () => {
    const { store, sent } = storeAnswered(canceled('TransactionConflict', 'None'), {}, {});
    await store.write(update, place);
    await store.write(update, place);
    const [first, second, other] = sent.map(({ input }) => input.ClientRequestToken);
    expect(first).toEqual(expect.stringMatching(/^[0-9a-f-]{36}$/));
    expect(second).toBe(first);
    expect(other).not.toBe(first);
  });

  it.each(['ValidationException', 'AccessDeniedException', 'IdempotentParameterMismatchException'])(
    'that fails with %s fails with just that, at once',
    async (name) => {
      const error = Object.assign(new Error('from DynamoDB'), { name });
      const { store, sent } = storeAnswered(error);
      await expect(store.write(update)).rejects.toBe(error);
      expect(sent).toHaveLength(1);
    },
  );

  it('never says a token in an error', async () => {
    const ticket = { id: 'i-1', token: 'glrt-fake-not-a-real-secret', job: 'job#7#1', expiresAt: 1 } as const;
    const { store } = storeAnswered(canceled('ConditionalCheckFailed', 'ConditionalCheckFailed'));
    const error = await store.write({ kind: 'put-ticket', ticket }, update).catch((refused: unknown) => refused);
    expect(`${(error as Error).message} ${(error as Error).stack}`).not.toContain('not-a-real-secret');
  });
});

describe('a read', () => {
  it('of an item is consistent, and null when there is none', async () => {
    const { store, sent } = storeAnswered({ Item: runnerItem() }, {});
    expect(await store.read('job#7#1')).toEqual(runnerItem());
    expect(await store.read('job#7#1')).toBeNull();
    expect(sent[0]?.input).toEqual({ TableName: 'runners-table', Key: { pk: 'job#7#1' }, ConsistentRead: true });
  });

  it('of a ticket is consistent and from its own table', async () => {
    const { store, sent } = storeAnswered({});
    expect(await store.readTicket('i-1')).toBeNull();
    expect(sent[0]?.input).toEqual({ TableName: 'tickets-table', Key: { id: 'i-1' }, ConsistentRead: true });
  });

  it('by runner does not believe an index that lags: the item itself must say so', async () => {
    const found = { Items: [{ pk: 'job#7#1' }] };
    const item = runnerItem({ runnerId: 5 });
    expect(await storeAnswered(found, { Item: item }).store.readByRunnerId(5)).toEqual(item);
    expect(await storeAnswered(found, { Item: runnerItem() }).store.readByRunnerId(5)).toBeNull();
    expect(await storeAnswered({ Items: [] }).store.readByRunnerId(5)).toBeNull();
  });

  it('of the live items goes on to the last page', async () => {
    const [one, two] = [runnerItem(), runnerItem({ jobId: 2 })];
    const { store } = storeAnswered({ Items: [one], LastEvaluatedKey: { pk: one.pk } }, { Items: [two] });
    expect(await store.readLiveOf('project#7')).toEqual([one, two]);
  });
});
