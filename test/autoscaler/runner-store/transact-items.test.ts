import { describe, expect, it } from 'vitest';
import { transactItemOf } from '../../../autoscaler/runner-store/transact-items.ts';
import { runnerItem } from '../../support/builders.ts';

const tables = { runners: 'runners-table', tickets: 'tickets-table', waitingTickets: 'waiting-table' };
const update = { kind: 'update', job: 'job#7#1' } as const;

/** The expression with its placeholders filled in again, as people would read it. */
function readable(expression = '', names: Record<string, string> = {}, values: Record<string, unknown> = {}): string {
  return expression
    .replace(/#\w+/g, (name) => names[name] ?? `(no ${name})`)
    .replace(/:\w+/g, (name) => (name in values ? JSON.stringify(values[name]) : `(no ${name})`));
}

function updateOf(...args: Parameters<typeof transactItemOf>) {
  const { Update } = transactItemOf(...args);
  const { ExpressionAttributeNames: names, ExpressionAttributeValues: values } = Update ?? {};
  return {
    table: Update?.TableName,
    key: Update?.Key,
    update: readable(Update?.UpdateExpression, names, values),
    condition: readable(Update?.ConditionExpression, names, values),
    unused: Object.keys({ ...names, ...values }).filter(
      (name) => !new RegExp(`${name}\\b`).test(`${Update?.UpdateExpression} ${Update?.ConditionExpression}`),
    ),
  };
}

describe('an update of an item', () => {
  it('sets, removes, and demands state, attempt and further attributes', () => {
    const group = { id: 'g', jobs: ['job#7#1'] } as const;
    const part = {
      ...update,
      from: ['REGISTERED', 'LAUNCHED'],
      attempt: 2,
      only: { launchGroup: group, takenJob: undefined },
      set: { state: 'RUNNING', instanceId: 'i-1' },
      remove: ['failure', 'live'],
    } as const;
    expect(updateOf(part, tables)).toEqual({
      table: 'runners-table',
      key: { pk: 'job#7#1' },
      update: 'SET state = "RUNNING", instanceId = "i-1" REMOVE failure, live, livePool',
      condition: `state IN ("REGISTERED", "LAUNCHED") AND attempt = 2 AND launchGroup = ${JSON.stringify(group)} AND attribute_not_exists(takenJob)`,
      unused: [],
    });
  });

  it('may demand an attribute to have one value and set it to another', () => {
    const part = { ...update, from: ['FAILED'], attempt: 1, set: { attempt: 2, failure: 'x' } } as const;
    expect(updateOf(part, tables)).toMatchObject({
      update: 'SET attempt = 2, failure = "x"',
      condition: 'state IN ("FAILED") AND attempt = 1',
      unused: [],
    });
  });

  it('moves the item among those of the long-lived runner that its host belongs to', () => {
    const registered = { ...update, from: ['ADMITTED'], set: { state: 'REGISTERED', managerOf: 900 } } as const;
    expect(updateOf(registered, tables).update).toBe(
      'SET state = "REGISTERED", managerOf = 900, livePool = "runner#900"',
    );
  });

  it('sets alone, or removes alone', () => {
    expect(updateOf({ ...update, from: ['LAUNCHED'], set: { state: 'STOPPING' } }, tables).update).toBe(
      'SET state = "STOPPING"',
    );
    expect(updateOf({ ...update, from: ['LAUNCHED'], set: {}, remove: ['live'] }, tables)).toMatchObject({
      update: 'REMOVE live, livePool',
      unused: [],
    });
    expect(updateOf({ ...update, from: ['LAUNCHED'], set: { state: 'STOPPING' }, remove: [] }, tables).update).toBe(
      'SET state = "STOPPING"',
    );
  });

  it('leaves out what is undefined', () => {
    const changes: Record<string, unknown> = { state: 'FAILED', failure: undefined };
    expect(updateOf({ ...update, from: ['ADMITTED'], set: changes }, tables)).toMatchObject({
      update: 'SET state = "FAILED"',
      unused: [],
    });
  });
});

describe('putting an item', () => {
  it('over nothing demands that there is none', () => {
    const item = runnerItem();
    expect(transactItemOf({ kind: 'put', item, over: null }, tables)).toEqual({
      Put: {
        TableName: 'runners-table',
        Item: { ...item, livePool: 'project#7' },
        ConditionExpression: 'attribute_not_exists(pk)',
      },
    });
  });

  const same = 'state = "FAILED" AND attempt = 2 AND admittedBy = "earlier" AND jobState = "PENDING"';
  it.each([
    [{}, ' AND attribute_not_exists(attemptBegun)'],
    [{ attemptBegun: true }, ' AND attemptBegun = true'],
    [{ gated: true }, ' AND attribute_not_exists(attemptBegun) AND attribute_not_exists(turnAt)'],
    [
      { gated: true, attemptBegun: true, turnAt: '2030-01-01T00:00:09Z' },
      ' AND attemptBegun = true AND turnAt = "2030-01-01T00:00:09Z"',
    ],
  ] as const)('over an item demands that nothing happened to that one: %j', (seen, alsoSame) => {
    const over = runnerItem({ state: 'FAILED', attempt: 2, admittedBy: 'earlier', jobState: 'PENDING', ...seen });
    const { Put } = transactItemOf({ kind: 'put', item: runnerItem({ attempt: 3 }), over }, tables);
    const { ConditionExpression, ExpressionAttributeNames, ExpressionAttributeValues } = Put ?? {};
    expect(readable(ConditionExpression, ExpressionAttributeNames, ExpressionAttributeValues)).toBe(same + alsoSame);
  });
});

describe('a place under a cap', () => {
  const cap = { counter: 'cap#deployment', limit: 5 };

  it('is taken while there are fewer than the limit, also when nobody ever took one', () => {
    expect(updateOf({ kind: 'take-place', cap }, tables)).toEqual({
      table: 'runners-table',
      key: { pk: 'cap#deployment' },
      update: 'ADD inUse 1',
      condition: 'attribute_not_exists(inUse) OR inUse < 5',
      unused: [],
    });
  });

  it('is given back while one is taken', () => {
    expect(updateOf({ kind: 'give-place-back', cap }, tables)).toMatchObject({
      key: { pk: 'cap#deployment' },
      update: 'ADD inUse -1',
      condition: 'inUse > 0',
      unused: [],
    });
  });
});

describe('a ticket', () => {
  const ticketOf = (id: string) => ({ id, token: 'glrt-fake', job: 'job#7#1', expiresAt: 1 }) as const;

  it.each([
    ['waiting-table', 'no host is known', 'job#7#1'],
    ['tickets-table', 'an instance may claim it', 'AROAFAKE:i-1'],
    ['tickets-table', 'a function may claim it', 'function#shell#random'],
  ])('lies in the %s when %s', (TableName, _when, id) => {
    const ticket = ticketOf(id);
    const written = [
      transactItemOf({ kind: 'put-ticket', ticket }, tables).Put,
      transactItemOf({ kind: 'replace-ticket', ticket }, tables).Put,
      transactItemOf({ kind: 'remove-ticket', id }, tables).Delete,
      transactItemOf({ kind: 'take-ticket-back', id }, tables).Delete,
    ];
    expect(written.map((one) => one?.TableName)).toEqual(written.map(() => TableName));
  });

  it('is put and removed without conditions: removing what is gone is success', () => {
    const ticket = ticketOf('AROAFAKE:i-1');
    expect(transactItemOf({ kind: 'put-ticket', ticket }, tables)).toEqual({
      Put: { TableName: 'tickets-table', Item: ticket },
    });
    expect(transactItemOf({ kind: 'remove-ticket', id: ticket.id }, tables)).toEqual({
      Delete: { TableName: 'tickets-table', Key: { id: ticket.id } },
    });
  });
});
