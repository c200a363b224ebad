import { join } from 'node:path';
import { containerLabel, removeContainers, serverVariables, writeAssetEngine } from './container-engine.process.ts';
import { type DeployOptions, synthesizeApp } from './deploy-apps.process.ts';
import { prepareLambdaImages } from './lambda-image.process.ts';
import {
  type LambdaPackaging,
  type PackagingPlan,
  packagingVariable,
  planLambdaPackaging,
  settleLambdaPackaging,
} from './lambda-packaging.process.ts';

/** The Lambda shell runner of a local run, from what is planned to what is deployed. */
export class LocalLambdaRunner {
  readonly #plan: PackagingPlan;
  readonly #label: string;
  #settled: LambdaPackaging | undefined;

  private constructor(plan: PackagingPlan, label: string) {
    this.#plan = plan;
    this.#label = label;
  }

  /** @throws {LambdaPackagingError} */
  static async plan(
    environment: Readonly<Record<string, string | undefined>>,
    awsPort: number,
  ): Promise<LocalLambdaRunner> {
    return new LocalLambdaRunner(await planLambdaPackaging(environment), containerLabel(awsPort));
  }

  /** What the local AWS needs to run it. */
  get serverVariables(): Readonly<Record<string, string>> {
    return this.#plan.packaging === 'image' ? serverVariables(this.#plan.engine) : {};
  }

  /** `image` or `zip`; zip until it is settled. */
  get packaging(): LambdaPackaging['packaging'] {
    return this.#settled?.packaging ?? 'zip';
  }

  /** What the apps need to be deployed with it; `folder` gets what is to be called in place of the engine. */
  deployVariables(folder: string): Readonly<Record<string, string>> {
    return {
      [packagingVariable]: this.packaging,
      ...(this.#plan.packaging === 'image' ? { CDK_DOCKER: writeAssetEngine(folder, this.#plan.engine) } : {}),
    };
  }

  /**
   * Builds the image and tries it out, where one is planned.
   *
   * @returns what is deployed, and why
   * @throws {LambdaPackagingError} when the image must be, and cannot be used
   */
  async settle(options: DeployOptions, tell: (line: string) => void): Promise<string> {
    this.#settled = await settleLambdaPackaging(this.#plan, async (engine) => {
      tell('synthesizing');
      const environment = { ...options.environment, [packagingVariable]: 'image' };
      return prepareLambdaImages({
        engine,
        assembly: await synthesizeApp('lambda-shell-runner', { ...options, environment }),
        label: this.#label,
        logFile: join(options.folder, 'image.log'),
        tell: (line) => tell(`${packagingVariable}=zip goes without this: ${line}`),
        signal: options.signal,
      });
    });
    return `${this.#settled.packaging}: ${this.#settled.because}`;
  }

  /** Removes containers that a server which was killed has left. */
  async removeContainers(): Promise<void> {
    if (this.#plan.packaging === 'image') await removeContainers(this.#plan.engine, this.#label);
  }
}
