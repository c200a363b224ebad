import { type ContainerEngine, engineAnswers, engineOf } from './container-engine.process.ts';
import { LambdaImageError } from './lambda-image.process.ts';

/** Sets by hand how the Lambda shell runner is deployed locally. */
export const packagingVariable = 'LOCAL_LAMBDA_PACKAGING';

/** The package was set by hand, and cannot be had. */
export class LambdaPackagingError extends Error {
  override readonly name = 'LambdaPackagingError';
}

/** What is to be tried; `mustBeImage`: nothing else will do. */
export type PackagingPlan =
  | { readonly packaging: 'zip'; readonly because: string }
  | { readonly packaging: 'image'; readonly engine: ContainerEngine; readonly mustBeImage: boolean };

/** How the Lambda shell runner is deployed, and why: said aloud at the start. */
export type LambdaPackaging = { readonly packaging: 'image' | 'zip'; readonly because: string };

const fromPath = 'gitlab-runner is taken from the PATH';

/**
 * The container image where an engine answers, else the handler as a zip bundle with gitlab-runner from the PATH.
 *
 * @throws {LambdaPackagingError} when the image is wanted and there is no engine, or when nobody knows what is wanted
 */
export async function planLambdaPackaging(
  environment: Readonly<Record<string, string | undefined>>,
): Promise<PackagingPlan> {
  const wanted = environment[packagingVariable] || undefined;
  if (wanted !== undefined && wanted !== 'image' && wanted !== 'zip') {
    throw new LambdaPackagingError(`${packagingVariable} is "${wanted}": write "image" or "zip", or unset it`);
  }
  if (wanted === 'zip') return { packaging: 'zip', because: `${packagingVariable} says so; ${fromPath}` };
  const engine = engineOf(environment);
  if (await engineAnswers(engine)) return { packaging: 'image', engine, mustBeImage: wanted === 'image' };
  if (wanted === undefined) {
    return { packaging: 'zip', because: `no container engine answers ("${engine.command} info"); ${fromPath}` };
  }
  throw new LambdaPackagingError(
    `${packagingVariable} is "image", and no container engine answers ("${engine.command} info"): start it, or unset the variable`,
  );
}

/**
 * Prepares the image where the plan wants it. The zip takes its place when that fails, unless the image was asked for
 * by hand: somebody who happens to have an engine shall not be kept from seeing the rest by a registry that is out of
 * reach.
 *
 * @throws {LambdaPackagingError} when the image must be, and cannot be used
 */
export async function settleLambdaPackaging(
  plan: PackagingPlan,
  prepareImage: (engine: ContainerEngine) => Promise<string>,
): Promise<LambdaPackaging> {
  if (plan.packaging === 'zip') return plan;
  try {
    const contents = await prepareImage(plan.engine);
    return { packaging: 'image', because: `${plan.engine.command} has built it, with ${contents}, and runs it` };
  } catch (error) {
    if (!(error instanceof LambdaImageError)) throw error;
    if (plan.mustBeImage) {
      const remedy = `Mend that, or unset ${packagingVariable}.`;
      throw new LambdaPackagingError(`${packagingVariable} is "image", and ${error.message}. ${remedy}`, {
        cause: error,
      });
    }
    return { packaging: 'zip', because: `${error.message}. So ${fromPath}` };
  }
}
