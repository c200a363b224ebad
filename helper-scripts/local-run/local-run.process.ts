import { appendFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { EC2Client } from '@aws-sdk/client-ec2';
import { SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import { PutParameterCommand, SSMClient } from '@aws-sdk/client-ssm';
import { DynamoDBDocumentClient, paginateScan } from '@aws-sdk/lib-dynamodb';
import { autoscalerParameters } from '../../autoscaler/exports.ts';
import type { RunnerItem } from '../../autoscaler/runner-store/runner-item.ts';
import { amiParameters } from '../../ec2-runner-ami/exports.ts';
import { infrastructureParameters } from '../../infrastructure/exports.ts';
import { architectures } from '../../infrastructure/kit/architecture.ts';
import { appNames } from '../../infrastructure/kit/cdk/parameter-names.ts';
import { createLog } from '../../infrastructure/kit/lambda/log.ts';
import { buildLambdas } from '../build/build.command.ts';
import { readParameter } from '../cli/deployment-names.client.ts';
import { type LocalAws, startLocalAws } from '../local-aws/local-aws.process.ts';
import { inLocalAws } from '../local-aws/local-aws-environment.ts';
import { ensurePythonEnvironment } from '../local-aws/python-environment.process.ts';
import { startLocalGitLab } from '../local-gitlab/local-gitlab.server.ts';
import type { LocalGitLab } from '../local-gitlab/local-gitlab.ts';
import { startDockerStandIn } from '../local-instances/docker-stand-in.server.ts';
import { type InstanceHost, startInstanceHost } from '../local-instances/instance-host.process.ts';
import { type FoundRunner, findGitLabRunner, writeRunnerFolder } from '../local-runner/find-gitlab-runner.process.ts';
import { runCommand } from './command.process.ts';
import { type AppSource, bootstrap, deployApp, destroyApp, ourApps } from './deploy-apps.process.ts';
import { countLeftovers, type Leftovers } from './leftovers.client.ts';
import { LocalLambdaRunner } from './local-lambda-runner.process.ts';
import { createLongLivedRunner, type LongLivedRunner } from './long-lived-runner.client.ts';
import { takeRunFolder } from './run-folder.process.ts';

const repository = resolve(import.meta.dirname, '../..');
const account = '000000000000';
const region = 'eu-west-1';
const deployment = 'local';
/** Obviously no secret: the local GitLab lives as long as this process and listens on loopback only. */
const gitlabAccessToken = 'not-a-real-token-of-the-local-gitlab';

export type LocalRunOptions = {
  /** Folder for logs, synthesized templates and the hosts' disks; emptied first. */
  readonly folder: string;
  readonly awsPort: number;
  readonly gitlabPort: number;
  /** How long an instance takes from its launch to its boot script, in milliseconds. */
  readonly bootDelayMilliseconds: number;
  /**
   * What decides about gitlab-runner and the package of the Lambda shell runner; this process's environment unless
   * given.
   */
  readonly environment?: Readonly<Record<string, string | undefined>>;
  readonly signal?: AbortSignal | undefined;
  /**
   * Tags of a runner that is made in GitLab before anything is deployed, and that the profile `long-lived` brings; none
   * when absent.
   */
  readonly longLivedRunnerTags?: readonly string[];
  /** Apps of another version, which are deployed first. */
  readonly olderApps?: AppSource | undefined;
};

/** A step of the start, told to whoever shows progress. */
export type Progress = (line: string) => void;
export type LocalRunStep = {
  readonly title: string;
  readonly run: (tell: Progress) => Promise<string | undefined>;
};

/**
 * Everything of the project on this machine: local AWS with the four apps deployed, a local GitLab, and a host for
 * instances.
 */
export class LocalRun {
  readonly options: LocalRunOptions;
  readonly deployment = deployment;
  #stops: (() => Promise<unknown>)[] = [];
  #python = '';
  #runner: FoundRunner | undefined;
  #aws: LocalAws | undefined;
  #gitlab: LocalGitLab | undefined;
  #instances: InstanceHost | undefined;
  #longLivedRunner: LongLivedRunner | undefined;
  #plannedLambdaRunner: LocalLambdaRunner | undefined;
  #runnersTable = '';
  #ticketsTable = '';
  #waitingTicketsTable = '';
  #apps: AppSource;
  webhookUrl = '';

  constructor(options: LocalRunOptions) {
    this.options = options;
    this.#apps = options.olderApps ?? ourApps;
  }

  get aws(): LocalAws {
    return required(this.#aws, 'local AWS');
  }
  get gitlab(): LocalGitLab {
    return required(this.#gitlab, 'local GitLab');
  }
  get instances(): InstanceHost {
    return required(this.#instances, 'host for instances');
  }
  get runner(): FoundRunner {
    return required(this.#runner, 'gitlab-runner');
  }
  /** The id of the runner that the profile `long-lived` brings. */
  get longLivedRunnerId(): number {
    return required(this.#longLivedRunner, 'long-lived runner').runnerId;
  }
  get #lambdaRunner(): LocalLambdaRunner {
    return required(this.#plannedLambdaRunner, 'package of the Lambda shell runner');
  }
  get dynamodb(): DynamoDBDocumentClient {
    return DynamoDBDocumentClient.from(new DynamoDBClient(this.clientOptions()));
  }
  get tableNames() {
    return { runners: this.#runnersTable, tickets: this.#ticketsTable, waitingTickets: this.#waitingTicketsTable };
  }

  /** Options for an AWS client that talks to the local AWS as its administrator. */
  clientOptions() {
    return {
      region,
      endpoint: this.aws.endpoint,
      credentials: { accessKeyId: 'test', secretAccessKey: 'test' },
    };
  }

  /** The steps of the start, in order. Each may be long; each tells what it does. */
  steps(): LocalRunStep[] {
    const { folder } = this.options;
    return [
      {
        title: 'Python environment with MiniStack',
        run: async (tell) => {
          const giveBack = takeRunFolder(folder);
          this.#stops.push(async () => giveBack());
          this.#python = await ensurePythonEnvironment({ folder: join(repository, '.local/python'), log: tell });
          return undefined;
        },
      },
      {
        title: 'Bundles of the Lambdas',
        run: async () => {
          const environment = this.options.environment ?? process.env;
          const [bundles, lambdaRunner, runner] = await Promise.all([
            buildLambdas(),
            LocalLambdaRunner.plan(environment, this.options.awsPort),
            findGitLabRunner(environment),
          ]);
          this.#plannedLambdaRunner = lambdaRunner;
          this.#runner = runner;
          const kind = this.runner.kind === 'real' ? 'the real gitlab-runner' : 'our stand-in for gitlab-runner';
          return `${bundles.length} bundles; jobs run with ${kind} (${this.runner.version})`;
        },
      },
      { title: 'Local AWS (MiniStack with our corrections)', run: () => this.#startAws() },
      { title: 'Local GitLab', run: () => this.#startGitLab() },
      {
        title: 'Package of the Lambda shell runner',
        run: (tell) => this.#lambdaRunner.settle(this.#deployOptions(), tell),
      },
      { title: 'cdk bootstrap', run: () => bootstrap(this.#deployOptions()).then(() => undefined) },
      ...this.#deploySteps(),
      { title: 'Secrets, webhook and job mappings, with our command line', run: (tell) => this.#configure(tell) },
      { title: 'Host for instances', run: () => this.#startInstances() },
    ];
  }

  #deploySteps(): LocalRunStep[] {
    return appNames.map((app) => ({
      title: `cdk deploy in ${app}/`,
      run: async (tell: Progress) => {
        await deployApp(app, this.#deployOptions(), tell);
        if (app === 'lambda-shell-runner') return `as ${this.#lambdaRunner.packaging}`;
        if (app === 'ec2-runner-ami') return this.#publishImage();
        if (app === 'autoscaler') await this.#readNames();
        return undefined;
      },
    }));
  }

  /** Runs every step, and tells of each that it begins and what came of it. */
  async start(tell: Progress = () => {}): Promise<void> {
    for (const { title, run } of this.steps()) {
      tell(title);
      const note = await run(tell);
      if (note) tell(`${title}: ${note}`);
    }
  }

  /** Runs our own command line as a user would. */
  cli(args: readonly string[], input = '', environment: Record<string, string> = {}): Promise<string> {
    return runCommand(
      'node',
      [join(repository, 'helper-scripts/cli/cli.command.ts'), '--deployment', deployment, ...args],
      {
        cwd: repository,
        environment: { ...inLocalAws(process.env, this.aws), ...environment },
        logFile: join(this.options.folder, 'cli.log'),
        input,
        signal: this.options.signal,
      },
    );
  }

  /** Every runner's item, ended ones too. */
  async readItems(): Promise<RunnerItem[]> {
    const items: RunnerItem[] = [];
    for await (const page of paginateScan({ client: this.dynamodb }, { TableName: this.#runnersTable })) {
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
    const stays = this.#longLivedRunner?.runnerId;
    return this.gitlab.runners().reduce((sum, { id, systemIds }) => sum + (id === stays ? systemIds.length : 1), 0);
  }

  /** Deploys our apps over the older ones, in the order in which a user does. */
  async upgrade(tell: Progress = () => {}): Promise<void> {
    this.#apps = ourApps;
    for (const { title, run } of this.#deploySteps()) {
      tell(title);
      await run(tell);
    }
  }

  /** `cdk destroy` of one app, as a user would. */
  destroy(app: (typeof appNames)[number]): Promise<void> {
    return destroyApp(app, this.#deployOptions());
  }

  /** Ends everything that was started, the last first; nothing of it stays. */
  async stop(): Promise<void> {
    for (const stop of this.#stops.splice(0).reverse()) await stop().catch((error: unknown) => console.error(error));
  }

  async #startAws(): Promise<string> {
    const runnerFolder = join(this.options.folder, 'bin');
    const lambdaRunner = this.#lambdaRunner;
    this.#stops.push(() => lambdaRunner.removeContainers());
    await writeRunnerFolder(runnerFolder, this.runner);
    this.#aws = await startLocalAws({
      port: this.options.awsPort,
      python: this.#python,
      nodeModules: join(repository, 'node_modules'),
      node: dirname(process.execPath),
      extraPath: [runnerFolder],
      logFile: join(this.options.folder, 'ministack.log'),
      environment: lambdaRunner.serverVariables,
      region,
      account,
    });
    this.#stops.push(() => this.aws.stop());
    return this.aws.endpoint;
  }

  async #startGitLab(): Promise<string> {
    const port = this.options.gitlabPort;
    const sharedRunner = { tags: [], runUntagged: true };
    this.#gitlab = await startLocalGitLab({ port, adminToken: gitlabAccessToken, sharedRunner }).catch(
      (error: unknown) => {
        if ((error as NodeJS.ErrnoException).code !== 'EADDRINUSE') throw error;
        throw new Error(
          `the local GitLab cannot listen on 127.0.0.1:${port}. Stop what uses it, or set LOCAL_GITLAB_PORT.`,
        );
      },
    );
    this.#stops.push(() => this.gitlab.stop());
    const { longLivedRunnerTags: tags } = this.options;
    if (tags) {
      const secrets = new SecretsManagerClient(this.clientOptions());
      const options = { gitlabUrl: this.gitlab.url, accessToken: gitlabAccessToken, tags, secrets };
      this.#longLivedRunner = await createLongLivedRunner(options);
    }
    return this.gitlab.url;
  }

  #deployOptions() {
    const environment = {
      ...inLocalAws(process.env, this.aws),
      LOCAL_GITLAB_URL: this.gitlab.url,
      ...(this.#longLivedRunner ? { LOCAL_RUNNER_TOKEN_SECRET_ARN: this.#longLivedRunner.secretArn } : {}),
      ...this.#lambdaRunner.deployVariables(join(this.options.folder, 'engine')),
    };
    const { folder, signal } = this.options;
    return { environment, account, region, folder, signal, source: this.#apps };
  }

  /** Image Builder does not build here: the parameter that its pipeline would publish is written by hand. */
  async #publishImage(): Promise<string> {
    const ssm = new SSMClient(this.clientOptions());
    for (const architecture of architectures) {
      const Name = amiParameters(deployment, architecture).imageId;
      await ssm.send(
        new PutParameterCommand({ Name, Value: 'ami-0123456789abcdef0', Type: 'String', Overwrite: true }),
      );
    }
    return 'no image is built here: its id is made up';
  }

  async #readNames(): Promise<void> {
    const ssm = new SSMClient(this.clientOptions());
    this.#runnersTable = await readParameter(autoscalerParameters(deployment).runnersTable, ssm);
    this.#ticketsTable = await readParameter(autoscalerParameters(deployment).ticketsTable, ssm);
    this.#waitingTicketsTable = await readParameter(autoscalerParameters(deployment).waitingTicketsTable, ssm);
    const published = new URL(await readParameter(infrastructureParameters(deployment).webhookUrl, ssm));
    // AWS serves an API under a host name of its own; here the path says which one it is.
    const apiId = published.hostname.split('.')[0];
    this.webhookUrl = `${this.aws.endpoint}/_aws/execute-api/${apiId}/$default${published.pathname}`;
  }

  async #configure(tell: Progress): Promise<string> {
    const project = this.gitlab.createProject('examples/pipeline');
    tell('secret gitlab-token');
    await this.cli(['secret', 'gitlab-token'], gitlabAccessToken);
    tell('webhook rotate');
    await this.cli(['webhook', 'rotate', '--yes']);
    tell('webhook add');
    await this.cli(['webhook', 'add', String(project.id), '--gitlab', this.gitlab.url, '--url', this.webhookUrl], '', {
      GITLAB_TOKEN: gitlabAccessToken,
    });
    tell('mapping import');
    await this.cli(['mapping', 'import', join(import.meta.dirname, 'examples/job-mappings.yaml')]);
    if (this.#longLivedRunner) {
      const tags = (this.options.longLivedRunnerTags ?? []).join(',');
      await this.cli(['mapping', 'put', '*', '--type', 'EC2', '--tags', tags, '--profile-name', 'long-lived']);
    }
    return project.path;
  }

  async #startInstances(): Promise<undefined> {
    // The stand-in for gitlab-runner runs jobs of the docker executor without docker; the real one needs this
    // machine's.
    const docker = this.runner.kind === 'real' ? undefined : await startDockerStandIn();
    if (docker) this.#stops.push(docker.close);
    this.#instances = await startInstanceHost({
      endpoint: this.aws.endpoint,
      region,
      log: createLog((line) => appendFileSync(join(this.options.folder, 'instances.log'), `${line}\n`), Date.now),
      folder: join(this.options.folder, 'instances'),
      runnerPathFolder: join(this.options.folder, 'bin'),
      dockerHost: docker ? docker.host : process.env.DOCKER_HOST,
      bootDelayMilliseconds: this.options.bootDelayMilliseconds,
    });
    this.#stops.push(() => this.instances.stop());
  }
}

/** The example pipeline as it stands in the repository. */
export function readExamplePipeline(): Promise<string> {
  return readFile(join(import.meta.dirname, 'examples/.gitlab-ci.yml'), 'utf8');
}

function required<T>(value: T | undefined, what: string): T {
  if (value === undefined) throw new Error(`${what} is not there yet`);
  return value;
}
