import { type DynamoDBDocumentClient, GetCommand } from '@aws-sdk/lib-dynamodb';
import type { RunnerTicket } from '../../infrastructure/lib/runner-ticket.ts';
import type { TransactItem } from './runners-table.client.ts';

/** The tickets table: its writes are parts of the transactions that move a runner's item. */
export class TicketsTable {
  readonly #dynamodb: DynamoDBDocumentClient;
  readonly tableName: string;

  constructor(dynamodb: DynamoDBDocumentClient, tableName: string) {
    this.#dynamodb = dynamodb;
    this.tableName = tableName;
  }

  /** A ticket that nobody has claimed yet; null when it is gone. */
  async read(id: string): Promise<RunnerTicket | null> {
    const { Item } = await this.#dynamodb.send(
      new GetCommand({ TableName: this.tableName, Key: { id }, ConsistentRead: true }),
    );
    return (Item as RunnerTicket | undefined) ?? null;
  }

  put(ticket: RunnerTicket): TransactItem {
    return { Put: { TableName: this.tableName, Item: ticket } };
  }

  /** Removing what is already gone is success. */
  remove(id: string): TransactItem {
    return { Delete: { TableName: this.tableName, Key: { id } } };
  }
}
