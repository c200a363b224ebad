import { execFile } from 'node:child_process';
import { promisify } from 'node:util';

/** How the Lambda shell runner is deployed locally, and why: said aloud at the start. */
export type LambdaPackaging = { readonly packaging: 'image' | 'zip'; readonly because: string };

/** Sets it by hand. */
export const packagingVariable = 'LOCAL_LAMBDA_PACKAGING';

/** A daemon that hangs must not hold up the start. */
const engineTimeoutMilliseconds = 5_000;

/** Asks the container engine whether it is there, as the CDK would call it (`CDK_DOCKER`, else `docker`). */
async function hasContainerEngine(environment: Readonly<Record<string, string | undefined>>): Promise<boolean> {
  const engine = environment.CDK_DOCKER || 'docker';
  return promisify(execFile)(engine, ['info'], { timeout: engineTimeoutMilliseconds }).then(
    () => true,
    () => false,
  );
}

/**
 * The container image where it is asked for and an engine answers, otherwise the handler as a zip bundle with gitlab-runner from the PATH.
 * The image is not taken just because there is an engine: its build downloads some hundred megabytes, and its containers reach the local
 * GitLab only where the engine shares the machine's network (`LAMBDA_DOCKER_FLAGS="--network host"`).
 */
export async function chooseLambdaPackaging(
  environment: Readonly<Record<string, string | undefined>>,
): Promise<LambdaPackaging> {
  const wanted = environment[packagingVariable];
  if (wanted !== undefined && wanted !== '' && wanted !== 'image' && wanted !== 'zip') {
    throw new Error(`${packagingVariable} is "${wanted}": write "image" or "zip", or unset it`);
  }
  if (wanted === 'zip') return { packaging: 'zip', because: `${packagingVariable} says so` };
  const isThere = await hasContainerEngine(environment);
  if (wanted === 'image' && !isThere) {
    throw new Error(
      `${packagingVariable} is "image", and no container engine answers: start it, or unset the variable`,
    );
  }
  if (wanted === 'image') return { packaging: 'image', because: 'a container engine builds and runs it' };
  return {
    packaging: 'zip',
    because: isThere
      ? `gitlab-runner is taken from the PATH; ${packagingVariable}=image builds and uses the container image`
      : 'there is no container engine; gitlab-runner is taken from the PATH',
  };
}
