import { RemovalPolicy, Validations } from 'aws-cdk-lib';
import { AttributeType, BillingMode, ProjectionType, Table } from 'aws-cdk-lib/aws-dynamodb';
import { Grant, type IGrantable } from 'aws-cdk-lib/aws-iam';
import { Construct } from 'constructs';
import { instanceIdIndex, liveIndex, livePoolIndex, runnerIdIndex } from './runner-indexes.ts';
import type { TicketTables } from './ticket-rights.construct.ts';

const onDemand = { billingMode: BillingMode.PAY_PER_REQUEST };
const recoverable = { pointInTimeRecoverySpecification: { pointInTimeRecoveryEnabled: true } };

type Action = 'GetItem' | 'PutItem' | 'UpdateItem' | 'DeleteItem' | 'Query' | 'Scan';

/**
 * What users say, what we do, and the tokens on their way; and who may do what with them. A transaction needs the
 * rights of its parts.
 */
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

  /** All rows at once: mappings are chosen among in memory. */
  grantReadMappings(grantee: IGrantable): void {
    allow(grantee, this.mappings.tableArn, 'Scan');
  }

  grantReadRunners(grantee: IGrantable): void {
    allow(grantee, this.runners.tableArn, 'GetItem');
    this.grantFindRunners(grantee);
  }

  /** By what the indexes know of them, too. An index can be asked, and nothing else. */
  grantFindRunners(grantee: IGrantable): void {
    const { tableArn } = this.runners;
    const indexes = [runnerIdIndex, instanceIdIndex, liveIndex, livePoolIndex];
    allow(grantee, [tableArn, ...indexes.map((index) => `${tableArn}/index/${index}`)], 'Query');
  }

  grantAddRunners(grantee: IGrantable): void {
    allow(grantee, this.runners.tableArn, 'PutItem');
  }

  grantChangeRunners(grantee: IGrantable): void {
    allow(grantee, this.runners.tableArn, 'UpdateItem');
  }

  /** Of a runner whose host is known, or of one that still waits for it. */
  grantAddTickets(grantee: IGrantable): void {
    allow(grantee, this.tickets.claimable.tableArn, 'PutItem');
    allow(grantee, this.tickets.waiting.tableArn, 'PutItem');
  }

  grantRemoveTickets(grantee: IGrantable): void {
    allow(grantee, this.tickets.claimable.tableArn, 'DeleteItem');
    allow(grantee, this.tickets.waiting.tableArn, 'DeleteItem');
  }

  grantListTickets(grantee: IGrantable): void {
    allow(grantee, this.tickets.claimable.tableArn, 'Scan');
    allow(grantee, this.tickets.waiting.tableArn, 'Scan');
  }

  /** To put a ticket that waits where its host may claim it. */
  grantHandOutTickets(grantee: IGrantable): void {
    allow(grantee, this.tickets.waiting.tableArn, 'GetItem', 'DeleteItem');
    allow(grantee, this.tickets.claimable.tableArn, 'PutItem');
  }

  /** To hand them out, and to take them back: a host that has not claimed its ticket yet finds another in its place. */
  grantMoveTickets(grantee: IGrantable): void {
    allow(grantee, this.tickets.waiting.tableArn, 'GetItem', 'PutItem', 'DeleteItem');
    allow(grantee, this.tickets.claimable.tableArn, 'GetItem', 'PutItem');
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

function allow(grantee: IGrantable, resources: string | string[], ...actions: readonly Action[]): void {
  const resourceArns = [resources].flat();
  Grant.addToPrincipal({ grantee, actions: actions.map((action) => `dynamodb:${action}`), resourceArns });
}
