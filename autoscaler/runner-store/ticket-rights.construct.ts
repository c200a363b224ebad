import type { ITable } from 'aws-cdk-lib/aws-dynamodb';
import { Effect, PolicyStatement } from 'aws-cdk-lib/aws-iam';
import { askingHost, functionTicketId } from './ticket-place.ts';

/** Where the tickets lie: those that a host may claim, and those that no host may have yet. */
export type TicketTables = { readonly claimable: TicketTable; readonly waiting: TicketTable };
type TicketTable = Pick<ITable, 'tableName' | 'tableArn'>;

/** An instance may take the ticket that has its own name; those of one profile are apart by that, too. */
export function rightsOfInstance(tables: TicketTables): PolicyStatement[] {
  return rightsTo(tables, 'Equals', askingHost);
}

/**
 * Invocations of one function are one to IAM. Each knows the random id of its own ticket alone: nothing that the role
 * may do lists them.
 */
export function rightsOfFunction(tables: TicketTables, profile: string): PolicyStatement[] {
  return rightsTo(tables, 'Like', functionTicketId(profile, '*'));
}

/**
 * To take a ticket of one's own, and nothing else with tickets, whatever the profile allows beside: its statements and
 * policies are its users', who need not know of this table.
 *
 * @see https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/specifying-conditions.html
 */
function rightsTo({ claimable, waiting }: TicketTables, compare: 'Equals' | 'Like', own: string): PolicyStatement[] {
  const actions = ['dynamodb:DeleteItem'];
  const refuse = { effect: Effect.DENY, resources: [claimable.tableArn] };
  return [
    new PolicyStatement({
      sid: 'OwnTicket',
      actions,
      resources: [claimable.tableArn],
      conditions: {
        [`ForAllValues:String${compare}`]: { 'dynamodb:LeadingKeys': [own] },
        // Without any key, ForAllValues holds.
        Null: { 'dynamodb:LeadingKeys': 'false' },
      },
    }),
    new PolicyStatement({
      ...refuse,
      sid: 'NoOtherTicket',
      actions,
      conditions: { [`ForAnyValue:StringNot${compare}`]: { 'dynamodb:LeadingKeys': [own] } },
    }),
    new PolicyStatement({ ...refuse, sid: 'OnlyTake', notActions: actions }),
    new PolicyStatement({ ...refuse, sid: 'NoneThatWaits', actions: ['dynamodb:*'], resources: [waiting.tableArn] }),
  ];
}
