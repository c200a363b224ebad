import { z } from 'zod';

/** One thing that is wrong: where in the configuration, and what it is and what to write instead. */
export type Fault = { readonly path: readonly PropertyKey[]; readonly message: string };

/** The configuration has faults; the message lists every one with its path and what to write instead. */
export class DeploymentConfigError extends Error {
  override readonly name = 'DeploymentConfigError';
}

/** @throws {DeploymentConfigError} when there are faults. */
export function refuseFaults(faults: readonly Fault[]): void {
  if (faults.length === 0) return;
  const lines = faults.map(({ path, message }) => `  - ${z.core.toDotPath(path) || 'deployment'}: ${message}`);
  throw new DeploymentConfigError(`The deployment's configuration has faults:\n${lines.join('\n')}`);
}

/** The same faults, seen from outside of the value that is at `prefix`. */
export function below(prefix: readonly PropertyKey[], faults: readonly Fault[]): Fault[] {
  return faults.map(({ path, message }) => ({ path: [...prefix, ...path], message }));
}
