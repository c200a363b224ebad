import type { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { type EC2Client, paginateDescribeInstances } from '@aws-sdk/client-ec2';
import { paginateScan } from '@aws-sdk/lib-dynamodb';
import { liveMark, waitingMark } from '../../autoscaler/runner-store/runner-item.ts';
import type { TableNames } from '../../autoscaler/runner-store/transact-items.ts';
import { deploymentTag } from '../../infrastructure/deployment/deployment-tag.ts';

export type Leftovers = {
  readonly instances: number;
  readonly gitlabRunners: number;
  readonly tickets: number;
  readonly liveItems: number;
  readonly placesTaken: number;
};

export type LeftoverSources = {
  readonly deployment: string;
  readonly ec2: EC2Client;
  readonly dynamodb: DynamoDBClient;
  readonly tables: TableNames;
  readonly countGitLabRunners: () => Promise<number> | number;
};

/** Counts what exists of runners, everywhere where something could be left. */
export async function countLeftovers(sources: LeftoverSources): Promise<Leftovers> {
  const { dynamodb, tables } = sources;
  let instances = 0;
  const filters = [
    { Name: `tag:${deploymentTag}`, Values: [sources.deployment] },
    { Name: 'instance-state-name', Values: ['pending', 'running', 'stopping', 'stopped'] },
  ];
  for await (const page of paginateDescribeInstances({ client: sources.ec2 }, { Filters: filters })) {
    for (const reservation of page.Reservations ?? []) instances += reservation.Instances?.length ?? 0;
  }
  let tickets = 0;
  for (const TableName of [tables.tickets, tables.waitingTickets]) {
    for await (const page of paginateScan({ client: dynamodb }, { TableName })) tickets += page.Items?.length ?? 0;
  }
  let liveItems = 0;
  let placesTaken = 0;
  for await (const page of paginateScan({ client: dynamodb }, { TableName: tables.runners })) {
    for (const item of page.Items ?? []) {
      if (item.live === liveMark || item.live === waitingMark) liveItems += 1;
      placesTaken += Number(item.inUse ?? 0);
    }
  }
  return { instances, gitlabRunners: await sources.countGitLabRunners(), tickets, liveItems, placesTaken };
}

/** Says whether nothing at all is left. */
export function isNothing(leftovers: Leftovers): boolean {
  return Object.values(leftovers).every((count) => count === 0);
}
