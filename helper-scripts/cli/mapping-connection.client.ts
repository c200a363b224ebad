import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { autoscalerParameters } from '../../autoscaler/exports.ts';
import { readParameter } from './deployment-names.client.ts';
import { type DeploymentOptions, deploymentNameOf } from './deployments.client.ts';
import { createMappingTable, type MappingTable } from './mapping-table.client.ts';

export type OpenMappingTable = () => Promise<MappingTable>;

/** The job mappings table of the deployment that the options of the command line name. */
export async function openMappingTable(options: DeploymentOptions): Promise<MappingTable> {
  const deployment = await deploymentNameOf(options);
  const tableName = await readParameter(autoscalerParameters(deployment).mappingsTable);
  return createMappingTable(new DynamoDBClient({}), tableName);
}
