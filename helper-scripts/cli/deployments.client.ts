import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import { importConfigFile } from '../../infrastructure/deployment/config-file.ts';
import { type Deployment, deploymentsOf } from '../../infrastructure/deployment/deployment.ts';
import { UsageError } from './usage-error.ts';

/** The options that say which deployment a command works on. */
export type DeploymentOptions = {
  readonly deployment?: string;
  readonly config?: string;
  readonly region?: string;
};

/**
 * The deployments of `deployment.config.ts`, or of another file.
 *
 * @throws {UsageError} when there is no such file, `DeploymentConfigError` when it has faults.
 */
export async function readDeployments(file?: string): Promise<readonly Deployment[]> {
  const path = file === undefined ? resolve(import.meta.dirname, '../../deployment.config.ts') : resolve(file);
  if (!existsSync(path)) throw new UsageError(`There is no file ${path}: name your deployment.config.ts with --config`);
  return deploymentsOf(await importConfigFile(path));
}

/**
 * The deployment that a command works on: the one that was named, or the only one of `deployment.config.ts`. Where that
 * file says in which region it is, the command looks there, as `cdk deploy` does, unless `--region` says otherwise.
 *
 * @throws {UsageError} when none was named and there are several.
 */
export async function deploymentNameOf(options: DeploymentOptions): Promise<string> {
  const { deployment: named, config, region } = options;
  const deployments = await readDeployments(config).catch((error: unknown) => {
    // Who names a deployment need not have its file, or a good one.
    const dispensable = named !== undefined && config === undefined;
    if (dispensable && ['DeploymentConfigError', 'UsageError'].includes((error as Error).name)) return [];
    throw error;
  });
  const chosen = named === undefined && deployments.length === 1 ? deployments[0] : findNamed(deployments, named);
  if (chosen?.region && !region) process.env.AWS_REGION = chosen.region;
  if (chosen) return chosen.name;
  if (named !== undefined) return named;
  const names = deployments.map(({ name }) => name).join(', ');
  throw new UsageError(
    deployments.length === 0
      ? 'deployment.config.ts has no deployment: define one, or name one with --deployment'
      : `deployment.config.ts has several deployments: add --deployment with one of ${names}`,
  );
}

/**
 * The deployment that the options mean, as the configuration at hand has it; null when that does not say. Commands that
 * do without AWS need none, but a file that was named is read.
 */
export async function configuredDeployment({ deployment, config }: DeploymentOptions): Promise<Deployment | null> {
  const read = readDeployments(config);
  const deployments = config === undefined ? await read.catch(() => []) : await read;
  if (deployment === undefined && deployments.length === 1) return deployments[0] ?? null;
  return findNamed(deployments, deployment) ?? null;
}

/**
 * What the configuration at hand says of a deployment; null when it says nothing, since who names one need not have its
 * configuration.
 */
export async function readConfigured(name: string, { config }: DeploymentOptions): Promise<Deployment | null> {
  return findNamed(await readDeployments(config).catch(() => []), name) ?? null;
}

function findNamed(deployments: readonly Deployment[], named: string | undefined): Deployment | undefined {
  return deployments.find(({ name }) => name === named);
}
