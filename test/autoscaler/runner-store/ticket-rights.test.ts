import { describe, expect, it } from 'vitest';
import { functionTicketId } from '../../../autoscaler/runner-store/ticket-place.ts';
import { accountId, type Request, templatePermissions } from '../../support/template-permissions.ts';
import { autoscalerTemplate } from '../autoscaler-template.ts';

/** What a profile may be given by users who do not think of our tables. */
const everything = { policyStatements: [{ actions: ['dynamodb:*'], resources: ['*'] }] };
const template = autoscalerTemplate({
  name: 'ci',
  profiles: {
    default: { type: 'EC2' },
    greedy: { type: 'EC2', ...everything },
    shell: { type: 'LAMBDA' },
    other: { type: 'LAMBDA' },
  },
});
const roleArn = (name: string) => `arn:aws:iam::${accountId}:role/${name}`;
const { arnOf, mayDo } = templatePermissions(template, {
  '/ci/lambda-shell-runner/shell/role-arn': roleArn('shell-role'),
  '/ci/lambda-shell-runner/other/role-arn': roleArn('other-role'),
});
const tickets = arnOf('TablesTickets');
const waiting = arnOf('TablesWaitingTickets');

/** As IAM sees a session of an instance (`aws:userid`), or of a function. */
const asking = (userid: string, resource: string, keys: readonly string[], action = 'DeleteItem'): Request => ({
  action: `dynamodb:${action}`,
  resource,
  context: { 'aws:userid': userid, ...(keys.length === 0 ? {} : { 'dynamodb:LeadingKeys': [...keys] }) },
});

describe.each([
  ['default', 'AROADEFAULT', 'AROAGREEDY'],
  ['greedy, whose profile allows all of DynamoDB,', 'AROAGREEDY', 'AROADEFAULT'],
] as const)('an instance of profile %s', (name, role, othersRole) => {
  const may = (request: Request) => mayDo(`Profiles${name.split(',')[0]}Role`, request);
  const own = `${role}:i-1`;

  it('may take its own ticket', async () => {
    expect(await may(asking(own, tickets, [own]))).toBe(true);
  });

  it.each([
    ['the ticket of another instance of its profile', tickets, [`${role}:i-2`]],
    ['the ticket of an instance of another profile', tickets, [`${othersRole}:i-1`]],
    ['the ticket of a function', tickets, [functionTicketId('shell', 'random')]],
    ['what lies under its bare id', tickets, ['i-1']],
    ['what lies under a job’s key', tickets, ['job#7#1']],
    ['a ticket that waits for its host', waiting, ['job#7#1']],
    ['its own name among the tickets that wait', waiting, [own]],
    ['another one’s ticket together with its own', tickets, [own, `${role}:i-2`]],
  ])('may not take %s', async (_what, table, keys) => {
    expect(await may(asking(own, table, keys))).toBe(false);
  });

  it.each([
    ['read', 'GetItem', [own]],
    ['list', 'Scan', []],
    ['look for', 'Query', [own]],
    ['leave', 'PutItem', [own]],
    ['change', 'UpdateItem', [own]],
    ['select in PartiQL', 'PartiQLSelect', []],
    ['delete in PartiQL', 'PartiQLDelete', [own]],
    ['delete batches of', 'BatchWriteItem', [own]],
    ['export', 'ExportTableToPointInTime', []],
    ['remove the table of', 'DeleteTable', []],
  ])('may not %s tickets', async (_what, action, keys) => {
    for (const table of [tickets, waiting]) expect(await may(asking(own, table, keys, action))).toBe(false);
  });
});

it('what the greedy profile allows is refused for the tickets alone', async () => {
  const request = asking('AROAGREEDY:i-1', arnOf('TablesRunners'), [], 'Scan');
  expect(await mayDo('ProfilesgreedyRole', request)).toBe(true);
});

describe('a function', () => {
  const own = 'AROASHELL:shell-function';
  const may = (request: Request) => mayDo('shell-role', request);

  it('may take the ticket that its invocation is told of', async () => {
    expect(await may(asking(own, tickets, [functionTicketId('shell', 'random')]))).toBe(true);
  });

  it.each([
    ['the ticket of another profile’s function', tickets, [functionTicketId('other', 'random')]],
    ['the ticket of a function whose profile begins alike', tickets, [functionTicketId('shell-2', 'random')]],
    ['the ticket of an instance', tickets, ['AROADEFAULT:i-1']],
    ['a ticket that waits for its host', waiting, ['job#7#1']],
    ['a ticket without saying which', tickets, []],
  ])('may not take %s', async (_what, table, keys) => {
    expect(await may(asking(own, table, keys))).toBe(false);
  });

  it.each(['GetItem', 'Scan', 'PutItem', 'UpdateItem', 'Query'])('may not do %s with tickets', async (action) => {
    expect(await may(asking(own, tickets, [functionTicketId('shell', 'random')], action))).toBe(false);
  });
});
