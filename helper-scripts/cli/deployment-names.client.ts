import { resolve } from 'node:path';
import { GetParameterCommand, ParameterNotFound, SSMClient } from '@aws-sdk/client-ssm';
import type { Deployment } from '../../infrastructure/lib/deployment.ts';

/** What the command line says to the user instead of a stack trace. */
export class UsageError extends Error {
  override readonly name = 'UsageError';
}

/** The deployment that a command works on: the one that was named, or the only one of `deployment.config.ts`. */
export async function deploymentNameOf(named: string | undefined): Promise<string> {
  if (named) return named;
  const file = resolve(import.meta.dirname, '../../deployment.config.ts');
  const { default: deployments } = (await import(file)) as { default: readonly Deployment[] };
  const [only, ...others] = deployments;
  if (only && others.length === 0) return only.name;
  const names = deployments.map(({ name }) => name).join(', ');
  throw new UsageError(`deployment.config.ts has several deployments: add --deployment with one of ${names}`);
}

/** The value that an app published. @throws {UsageError} when the app is not deployed where we look. */
export async function readParameter(name: string, ssm = new SSMClient({})): Promise<string> {
  try {
    const { Parameter } = await ssm.send(new GetParameterCommand({ Name: name }));
    return Parameter?.Value ?? '';
  } catch (error) {
    if (!(error instanceof ParameterNotFound)) throw error;
    const [, deployment, app] = name.split('/');
    const region = await ssm.config.region();
    throw new UsageError(
      `The app "${app}" of the deployment "${deployment}" is not in ${region} of this account (no parameter ${name}): deploy it, or choose another --deployment, --region or --profile`,
      { cause: error },
    );
  }
}
