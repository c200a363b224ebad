import { poolOf, poolOfRunner } from './live-pool.ts';
import type { RunnerItem } from './runner-item.ts';
import type { RunnerUpdate, StoreWrite } from './runners-store.ts';
import { waitsForHost } from './ticket-place.ts';

export type TableNames = {
  readonly runners: string;
  /** Those that a host may claim. */
  readonly tickets: string;
  /** Those whose host is not known yet, or not to have them yet: no host reaches this table. */
  readonly waitingTickets: string;
};

/** The table in which a ticket with this key lies. */
export function ticketTableOf(id: string, { tickets, waitingTickets }: TableNames): string {
  return waitsForHost(id) ? waitingTickets : tickets;
}

/** The shape that DynamoDB's document client takes; spelled out here, since a pure file imports no SDK. */
export type TransactItem = {
  Put?: { TableName: string; Item: Record<string, unknown> } & Conditions;
  Update?: {
    TableName: string;
    Key: Record<string, unknown>;
    UpdateExpression: string;
    ConditionExpression: string;
  } & Conditions;
  Delete?: { TableName: string; Key: Record<string, unknown>; ConditionExpression?: string };
};

type Conditions = {
  ConditionExpression?: string;
  ExpressionAttributeNames?: Record<string, string>;
  ExpressionAttributeValues?: Record<string, unknown>;
};

/** One part of a write as DynamoDB takes it, with its condition. */
export function transactItemOf(part: StoreWrite, tables: TableNames): TransactItem {
  switch (part.kind) {
    case 'update':
      return { Update: updateOf(part, tables.runners) };
    case 'put':
      return { Put: { TableName: tables.runners, Item: stored(part.item), ...sameAs(part.over) } };
    case 'take-place':
      return addToCounter(tables.runners, part.cap.counter, 1, {
        ConditionExpression: 'attribute_not_exists(inUse) OR inUse < :bound',
        bound: part.cap.limit,
      });
    case 'give-place-back':
      return addToCounter(tables.runners, part.cap.counter, -1, { ConditionExpression: 'inUse > :bound', bound: 0 });
    case 'put-ticket':
      return { Put: { TableName: ticketTableOf(part.ticket.id, tables), Item: part.ticket } };
    case 'take-ticket-back':
      return { Delete: { ...ticketAt(part.id, tables), ConditionExpression: 'attribute_exists(id)' } };
    case 'replace-ticket':
      return { Put: { TableName: ticketTableOf(part.ticket.id, tables), Item: part.ticket, ...withToken } };
    case 'put-gate':
      return { Put: { TableName: tables.runners, Item: part.gate, ...ofVersion(part.over) } };
    case 'remove-ticket':
      return { Delete: ticketAt(part.id, tables) };
  }
}

function ticketAt(id: string, tables: TableNames) {
  return { TableName: ticketTableOf(id, tables), Key: { id } };
}

const withToken: Conditions = {
  ConditionExpression: 'attribute_exists(id) AND #token <> :none',
  ExpressionAttributeNames: { '#token': 'token' },
  ExpressionAttributeValues: { ':none': '' },
};

function ofVersion(version: number): Conditions {
  if (version === 0) return { ConditionExpression: 'attribute_not_exists(pk)' };
  return { ConditionExpression: 'version = :version', ExpressionAttributeValues: { ':version': version } };
}

/** An item as it is stored: an index finds the live ones by their pool, which only the table knows. */
export type StoredItem = RunnerItem & { readonly livePool?: string };

function stored(item: RunnerItem): StoredItem {
  return item.live === undefined ? item : { ...item, livePool: poolOf(item) };
}

function updateOf({ job, from, attempt, only = {}, set = {}, remove = [] }: RunnerUpdate, TableName: string) {
  const names: Record<string, string> = {};
  const values: Record<string, unknown> = {};
  const name = (attribute: string) => {
    names[`#${attribute}`] = attribute;
    return `#${attribute}`;
  };
  const value = (key: string, content: unknown) => {
    values[`:${key}`] = content;
    return `:${key}`;
  };
  const demands = { ...(attempt === undefined ? {} : { attempt }), ...only };
  const conditions = [
    `${name('state')} IN (${from.map((state, index) => value(`from${index}`, state)).join(', ')})`,
    ...Object.entries(demands).map(([attribute, content]) =>
      content === undefined
        ? `attribute_not_exists(${name(attribute)})`
        : `${name(attribute)} = ${value(`if_${attribute}`, content)}`,
    ),
  ];
  const moved = set.managerOf === undefined ? {} : { livePool: poolOfRunner(set.managerOf) };
  const removed = remove.includes('live') ? [...remove, 'livePool'] : remove;
  const sets = Object.entries({ ...set, ...moved })
    .filter(([, content]) => content !== undefined)
    .map(([attribute, content]) => `${name(attribute)} = ${value(attribute, content)}`);
  return {
    TableName,
    Key: { pk: job },
    UpdateExpression: [
      ...(sets.length > 0 ? [`SET ${sets.join(', ')}`] : []),
      ...(removed.length > 0 ? [`REMOVE ${removed.map(name).join(', ')}`] : []),
    ].join(' '),
    ConditionExpression: conditions.join(' AND '),
    ExpressionAttributeNames: names,
    ExpressionAttributeValues: values,
  };
}

/**
 * Nothing happened to the item since it was read: state, attempt, admission and turn are as they were. An attempt that
 * was begun and given up meanwhile left the same ones, and has used its number.
 */
function sameAs(over: Extract<StoreWrite, { kind: 'put' }>['over']): Conditions {
  if (!over) return { ConditionExpression: 'attribute_not_exists(pk)' };
  const same = '#state = :state AND attempt = :attempt AND admittedBy = :admittedBy AND jobState = :jobState';
  const sameBegun = over.attemptBegun ? 'attemptBegun = :attemptBegun' : 'attribute_not_exists(attemptBegun)';
  const sameTurn = over.turnAt ? 'turnAt = :turnAt' : 'attribute_not_exists(turnAt)';
  return {
    ConditionExpression: [same, sameBegun, ...(over.gated ? [sameTurn] : [])].join(' AND '),
    ExpressionAttributeNames: { '#state': 'state' },
    ExpressionAttributeValues: {
      ':state': over.state,
      ':attempt': over.attempt,
      ':admittedBy': over.admittedBy,
      ':jobState': over.jobState,
      ...(over.attemptBegun ? { ':attemptBegun': true } : {}),
      ...(over.gated && over.turnAt ? { ':turnAt': over.turnAt } : {}),
    },
  };
}

function addToCounter(
  TableName: string,
  counter: string,
  amount: 1 | -1,
  { ConditionExpression, bound }: { ConditionExpression: string; bound: number },
): TransactItem {
  return {
    Update: {
      TableName,
      Key: { pk: counter },
      UpdateExpression: 'ADD inUse :amount',
      ConditionExpression,
      ExpressionAttributeValues: { ':amount': amount, ':bound': bound },
    },
  };
}
