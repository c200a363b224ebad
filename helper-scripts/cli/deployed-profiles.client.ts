import { autoscalerParameters, type DeployedProfiles } from '../../autoscaler/exports.ts';
import { readParameter } from './deployment-names.client.ts';
import { type DeploymentOptions, deploymentNameOf } from './deployments.client.ts';

/**
 * The profiles that mappings can name, as the deployment itself has them: a configuration at hand may be ahead of it,
 * or another's.
 */
export async function readDeployedProfiles(options: DeploymentOptions): Promise<DeployedProfiles> {
  const deployment = await deploymentNameOf(options);
  return JSON.parse(await readParameter(autoscalerParameters(deployment).profiles)) as DeployedProfiles;
}
