import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { DynamoDBDocumentClient } from '@aws-sdk/lib-dynamodb';
import { autoscalerParameters } from '../../autoscaler/exports.ts';
import { readMapping } from '../../autoscaler/job-mappings/job-mapping.ts';
import { createReconcileStore } from '../../autoscaler/reconcile/look/reconcile-store.client.ts';
import type { Deployment } from '../../infrastructure/deployment/deployment.ts';
import { readAccountQuotas } from './account-quotas.client.ts';
import { openDeadLetterQueues } from './dead-letters.client.ts';
import { readParameter } from './deployment-names.client.ts';
import { openSecrets } from './deployment-secrets.client.ts';
import { type DeploymentOptions, deploymentNameOf, readConfigured } from './deployments.client.ts';
import type { SeenDeployment } from './diagnose.ts';
import { lookAtCertificate, trustAlso } from './gitlab-trust.client.ts';
import { openMappingTable } from './mapping-connection.client.ts';
import { openRunnerItems } from './runner-items.client.ts';
import { readTokenScopes } from './token-scopes.client.ts';
import { isBelowPath, type SeenToken } from './token-scopes.ts';

/** Looks no further than this into each dead-letter queue. */
const mostDeadLetters = 100;

/** Reads all that `doctor` judges, of the deployment that the options of the command line name. */
export async function examineDeployment(options: DeploymentOptions): Promise<SeenDeployment> {
  const name = await deploymentNameOf(options);
  const configured = await readConfigured(name, options);
  const items = await openRunnerItems(options);
  const live = await items.readLive();
  const [rows, taken, holdOf, letters, memory, distrust, quotas, accessToken] = await Promise.all([
    openMappingTable(options).then((table) => table.readAll()),
    items.placesFor(live),
    items.holdsFor(live),
    openDeadLetterQueues(options).then((queues) => Promise.all(queues.map((queue) => queue.look(mostDeadLetters)))),
    readMemory(name),
    configured && lookAtCertificate(configured.gitlab.url, configured.gitlab.caCertificates),
    readAccountQuotas(),
    configured && lookAtToken(configured.gitlab, options),
  ]);
  return {
    rows: rows.map(readMapping),
    live,
    taken,
    holdOf,
    quotas,
    deadLetters: letters.flat().length,
    lookedForJobsAt: memory.roundStartedAt,
    configured,
    gitlab: configured && distrust && { url: configured.gitlab.url, ...distrust },
    accessToken,
  };
}

/** Only where its scopes matter. Who examines a deployment need not be allowed to read its secrets. */
async function lookAtToken(
  { url: gitlab, caCertificates }: Deployment['gitlab'],
  options: DeploymentOptions,
): Promise<SeenToken | null> {
  if (!isBelowPath(gitlab)) return null;
  const token = await openSecrets(options)
    .then((secrets) => secrets.readGitLabToken())
    .catch(() => undefined);
  if (!token) return null;
  if (caCertificates) trustAlso(caCertificates);
  const scopes = await readTokenScopes(gitlab, token);
  return scopes && { gitlab, scopes };
}

async function readMemory(deployment: string) {
  const runners = await readParameter(autoscalerParameters(deployment).runnersTable);
  const dynamodb = DynamoDBDocumentClient.from(new DynamoDBClient({}));
  return createReconcileStore(dynamodb, { runners, tickets: '', waitingTickets: '' }).readMemory();
}
