import { CreateTableCommand, type CreateTableCommandInput, type DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { App, Stack } from 'aws-cdk-lib';
import { Template } from 'aws-cdk-lib/assertions';
import { Tables } from '../../autoscaler/runner-store/tables.construct.ts';

/** Names for the autoscaler's tables, by the ids that they have in its construct. */
export type NamesOfTables = Readonly<Partial<Record<'JobMappings' | 'Runners' | 'Tickets' | 'WaitingTickets', string>>>;

/** Creates tables with the keys and indexes that they are deployed with, taken from the construct's own template. */
export async function createTablesAsDeployed(dynamodb: DynamoDBClient, names: NamesOfTables): Promise<void> {
  const stack = new Stack(new App(), 'Stack');
  const tables = Object.values(new Tables(stack, 'Tables').node.children);
  const resources = Template.fromStack(stack).findResources('AWS::DynamoDB::Table');
  for (const [id, TableName] of Object.entries(names)) {
    const table = tables.find((child) => child.node.id === id);
    const logicalId = table?.node.defaultChild && stack.getLogicalId(table.node.defaultChild as never);
    const { Properties } = resources[logicalId ?? ''] ?? {};
    if (!Properties) throw new Error(`there is no table "${id}" among the autoscaler's`);
    const { AttributeDefinitions, KeySchema, GlobalSecondaryIndexes, BillingMode } =
      Properties as CreateTableCommandInput;
    const input = { TableName, AttributeDefinitions, KeySchema, BillingMode };
    await dynamodb.send(
      new CreateTableCommand({ ...input, ...(GlobalSecondaryIndexes ? { GlobalSecondaryIndexes } : {}) }),
    );
  }
}
