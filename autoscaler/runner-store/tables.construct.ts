import { RemovalPolicy, Validations } from 'aws-cdk-lib';
import { AttributeType, BillingMode, ProjectionType, Table } from 'aws-cdk-lib/aws-dynamodb';
import { Construct } from 'constructs';
import { instanceIdIndex, liveIndex, livePoolIndex, runnerIdIndex } from './runner-indexes.ts';
import type { TicketTables } from './ticket-rights.construct.ts';

const onDemand = { billingMode: BillingMode.PAY_PER_REQUEST };
const recoverable = { pointInTimeRecoverySpecification: { pointInTimeRecoveryEnabled: true } };

/** What users say, what we do, and the tokens on their way. */
export class Tables extends Construct {
  /** Edited by users, so that it outlives the stack. */
  readonly mappings: Table;
  readonly runners: Table;
  /** Short-lived secrets: no backup of them is wanted. */
  readonly tickets: TicketTables & { readonly [place in keyof TicketTables]: Table };

  constructor(scope: Construct, id: string) {
    super(scope, id);
    this.mappings = new Table(this, 'JobMappings', {
      partitionKey: { name: 'pk', type: AttributeType.STRING },
      sortKey: { name: 'sk', type: AttributeType.STRING },
      removalPolicy: RemovalPolicy.RETAIN,
      ...onDemand,
      ...recoverable,
    });
    this.runners = new Table(this, 'Runners', {
      partitionKey: { name: 'pk', type: AttributeType.STRING },
      timeToLiveAttribute: 'expiresAt',
      removalPolicy: RemovalPolicy.DESTROY,
      ...onDemand,
      ...recoverable,
    });
    this.runners.addGlobalSecondaryIndex({
      indexName: runnerIdIndex,
      partitionKey: { name: 'runnerId', type: AttributeType.NUMBER },
      projectionType: ProjectionType.KEYS_ONLY,
    });
    this.runners.addGlobalSecondaryIndex({
      indexName: liveIndex,
      partitionKey: { name: 'live', type: AttributeType.STRING },
      sortKey: { name: 'admittedAt', type: AttributeType.STRING },
      projectionType: ProjectionType.ALL,
    });
    this.runners.addGlobalSecondaryIndex({
      indexName: instanceIdIndex,
      partitionKey: { name: 'instanceId', type: AttributeType.STRING },
      projectionType: ProjectionType.KEYS_ONLY,
    });
    // CloudFormation adds one index to a table in an update, and this one is the newest.
    this.runners.addGlobalSecondaryIndex({
      indexName: livePoolIndex,
      partitionKey: { name: 'livePool', type: AttributeType.STRING },
      sortKey: { name: 'admittedAt', type: AttributeType.STRING },
      projectionType: ProjectionType.ALL,
    });
    this.tickets = { claimable: this.addTickets('Tickets'), waiting: this.addTickets('WaitingTickets') };
  }

  private addTickets(id: string): Table {
    const table = new Table(this, id, {
      partitionKey: { name: 'id', type: AttributeType.STRING },
      timeToLiveAttribute: 'expiresAt',
      removalPolicy: RemovalPolicy.DESTROY,
      ...onDemand,
    });
    Validations.of(table).acknowledge({
      id: 'AwsSolutions-DDB3',
      reason: 'Tickets are tokens that live for minutes: a backup would keep them for weeks.',
    });
    return table;
  }
}
