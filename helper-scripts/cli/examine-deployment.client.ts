import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { DynamoDBDocumentClient } from '@aws-sdk/lib-dynamodb';
import { autoscalerParameters } from '../../autoscaler/exports.ts';
import { readMapping } from '../../autoscaler/job-mappings/job-mapping.ts';
import { createReconcileStore } from '../../autoscaler/reconcile/reconcile-store.client.ts';
import { openDeadLetterQueues } from './dead-letters.client.ts';
import { readParameter } from './deployment-names.client.ts';
import { type DeploymentOptions, deploymentNameOf, readDeployments } from './deployments.client.ts';
import type { SeenDeployment } from './diagnose.ts';
import { openMappingTable } from './mapping-connection.client.ts';
import { openRunnerItems } from './runner-items.client.ts';

/** Looks no further than this into each dead-letter queue. */
const mostDeadLetters = 100;

/** Reads all that `doctor` judges, of the deployment that the options of the command line name. */
export async function examineDeployment(options: DeploymentOptions): Promise<SeenDeployment> {
  const name = await deploymentNameOf(options);
  const [rows, live, letters, memory, profiles] = await Promise.all([
    openMappingTable(options).then((table) => table.readAll()),
    openRunnerItems(options).then((items) => items.readLive()),
    openDeadLetterQueues(options).then((queues) => Promise.all(queues.map((queue) => queue.look(mostDeadLetters)))),
    readMemory(name),
    readProfiles(name, options),
  ]);
  return {
    rows: rows.map(readMapping),
    live,
    deadLetters: letters.flat().length,
    lookedForJobsAt: memory.roundStartedAt,
    profiles,
  };
}

async function readMemory(deployment: string) {
  const runners = await readParameter(autoscalerParameters(deployment).runnersTable);
  const dynamodb = DynamoDBDocumentClient.from(new DynamoDBClient({}));
  return createReconcileStore(dynamodb, { runners, tickets: '' }).readMemory();
}

/** Somebody who names a deployment need not have its configuration. */
async function readProfiles(name: string, { config }: DeploymentOptions): Promise<SeenDeployment['profiles']> {
  const deployments = await readDeployments(config).catch(() => []);
  return deployments.find((deployment) => deployment.name === name)?.profiles ?? null;
}
