import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { DynamoDBDocumentClient } from '@aws-sdk/lib-dynamodb';
import type { Command } from 'commander';
import { autoscalerParameters } from '../../autoscaler/exports.ts';
import { createRunnersStore } from '../../autoscaler/runners/runners-store.client.ts';
import { deploymentNameOf, readParameter } from './deployment-names.client.ts';
import { printTable } from './table.ts';

/** Adds `status` to the command line. */
export function addStatusCommand(program: Command): void {
  program
    .command('status')
    .description('live runners: job, state, type, host and age')
    .option('--json', 'print JSON instead of a table')
    .action(async ({ json }: { json?: boolean }) => {
      const deployment = await deploymentNameOf(program.opts<{ deployment?: string }>().deployment);
      const tableName = await readParameter(autoscalerParameters(deployment).runnersTable);
      const dynamodb = DynamoDBDocumentClient.from(new DynamoDBClient({}));
      const items = await createRunnersStore(dynamodb, { runners: tableName, tickets: '' }).readLive();
      if (json) return console.log(JSON.stringify(items, null, 2));
      printTable(
        ['job', 'name', 'state', 'type', 'profile', 'attempt', 'host', 'age', 'failure'],
        items.map((item) => [
          `${item.event.projectId}/${item.event.jobId}`,
          item.event.jobName,
          item.state,
          item.type,
          item.profile,
          item.attempt,
          item.instanceId ?? '',
          `${Math.round((Date.now() - Date.parse(item.admittedAt)) / 1_000)} s`,
          item.failure ?? '',
        ]),
      );
    });
}
