import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { EC2Client } from '@aws-sdk/client-ec2';
import { paginateScan } from '@aws-sdk/lib-dynamodb';
import type { RunnerItem } from '../../autoscaler/runner-store/runner-item.ts';
import type { appNames } from '../../infrastructure/kit/cdk/parameter-names.ts';
import { destroyApp, ourApps } from './deploy-apps.process.ts';
import { countLeftovers, type Leftovers } from './leftovers.client.ts';
import { deployment } from './local-deployment.ts';
import { LocalRunParts } from './local-run-parts.process.ts';
import { runCli } from './run-cli.process.ts';
import { startAws } from './steps/aws.process.ts';
import { buildBundles } from './steps/bundles.process.ts';
import { configure } from './steps/configure.process.ts';
import { bootstrapAccount, deployApps, packageLambdaRunner } from './steps/deploy.process.ts';
import { startGitLab } from './steps/gitlab.process.ts';
import { startInstances } from './steps/instances.process.ts';
import { preparePython } from './steps/python.process.ts';
import type { LocalRunStep, Progress } from './steps/step.ts';

/**
 * Everything of the project on this machine: local AWS with the four apps deployed, a local GitLab, and a host for
 * instances.
 */
export class LocalRun extends LocalRunParts {
  readonly deployment = deployment;
  /** The steps of the start, in order. */
  readonly steps: readonly LocalRunStep[] = [
    preparePython,
    buildBundles,
    startAws,
    startGitLab,
    packageLambdaRunner,
    bootstrapAccount,
    ...deployApps,
    configure,
    startInstances,
  ];

  /** The id of the runner that the profile `long-lived` brings. */
  get longLivedRunnerId(): number {
    if (!this.longLivedRunner) throw new Error('there is no long-lived runner');
    return this.longLivedRunner.runnerId;
  }

  /** Runs every step, and tells of each that it begins and what came of it. */
  start(tell: Progress = () => {}): Promise<void> {
    return this.#runSteps(this.steps, tell);
  }

  /** Deploys our apps over the older ones, in the order in which a user does. */
  upgrade(tell: Progress = () => {}): Promise<void> {
    this.apps = ourApps;
    return this.#runSteps(deployApps, tell);
  }

  async #runSteps(steps: readonly LocalRunStep[], tell: Progress): Promise<void> {
    for (const { title, run } of steps) {
      tell(title);
      const note = await run(this, tell);
      if (note) tell(`${title}: ${note}`);
    }
  }

  /** Runs our own command line as a user would. */
  cli(args: readonly string[], input?: string, environment?: Readonly<Record<string, string>>): Promise<string> {
    return runCli(this, args, input, environment);
  }

  /** Every runner's item, ended ones too. */
  async readItems(): Promise<RunnerItem[]> {
    const items: RunnerItem[] = [];
    for await (const page of paginateScan({ client: this.dynamodb }, { TableName: this.tableNames.runners })) {
      items.push(...((page.Items ?? []) as RunnerItem[]).filter((item) => item.pk.startsWith('job#')));
    }
    return items;
  }

  /** What is left of runners, everywhere. */
  leftovers(): Promise<Leftovers> {
    return countLeftovers({
      deployment,
      ec2: new EC2Client(this.clientOptions()),
      dynamodb: this.dynamodb,
      tables: this.tableNames,
      countGitLabRunners: () => this.#countRunners(),
    });
  }

  /** Of the runner that stays, its hosts count. */
  #countRunners(): number {
    const stays = this.longLivedRunner?.runnerId;
    return this.gitlab.runners().reduce((sum, { id, systemIds }) => sum + (id === stays ? systemIds.length : 1), 0);
  }

  /** `cdk destroy` of one app, as a user would. */
  destroy(app: (typeof appNames)[number]): Promise<void> {
    return destroyApp(app, this.deployOptions());
  }

  /** Ends everything that was started, the last first; nothing of it stays. */
  async stop(): Promise<void> {
    for (const stop of this.stops.splice(0).reverse()) await stop().catch((error: unknown) => console.error(error));
  }
}

/** The example pipeline as it stands in the repository. */
export function readExamplePipeline(): Promise<string> {
  return readFile(join(import.meta.dirname, 'examples/.gitlab-ci.yml'), 'utf8');
}
