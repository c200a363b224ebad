import { join } from 'node:path';
import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { DynamoDBDocumentClient } from '@aws-sdk/lib-dynamodb';
import type { LocalAws } from '../local-aws/local-aws.process.ts';
import { inLocalAws } from '../local-aws/local-aws-environment.ts';
import type { LocalGitLab } from '../local-gitlab/local-gitlab.ts';
import type { InstanceHost } from '../local-instances/instance-host.process.ts';
import type { FoundRunner } from '../local-runner/find-gitlab-runner.process.ts';
import { type AppSource, type DeployOptions, ourApps } from './deploy-apps.process.ts';
import { account, region } from './local-deployment.ts';
import type { LocalLambdaRunner } from './local-lambda-runner.process.ts';
import type { LongLivedRunner } from './long-lived-runner.client.ts';

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

/** What a step of the start leaves for those that follow: there once that step was run. */
export class LocalRunParts {
  readonly options: LocalRunOptions;
  /** What ends what was started, the last first. */
  readonly stops: (() => Promise<unknown>)[] = [];
  python = '';
  webhookUrl = '';
  tableNames = { runners: '', tickets: '', waitingTickets: '' };
  longLivedRunner: LongLivedRunner | undefined;
  /** Whose apps are deployed. */
  apps: AppSource;
  aws!: LocalAws;
  gitlab!: LocalGitLab;
  instances!: InstanceHost;
  runner!: FoundRunner;
  lambdaRunner!: LocalLambdaRunner;

  constructor(options: LocalRunOptions) {
    this.options = options;
    this.apps = options.olderApps ?? ourApps;
  }

  get dynamodb(): DynamoDBDocumentClient {
    return DynamoDBDocumentClient.from(new DynamoDBClient(this.clientOptions()));
  }

  /** Options for an AWS client that talks to the local AWS as its administrator. */
  clientOptions() {
    return { region, endpoint: this.aws.endpoint, credentials: { accessKeyId: 'test', secretAccessKey: 'test' } };
  }

  deployOptions(): DeployOptions {
    const { folder, signal } = this.options;
    const environment = {
      ...inLocalAws(process.env, this.aws),
      LOCAL_GITLAB_URL: this.gitlab.url,
      ...(this.longLivedRunner ? { LOCAL_RUNNER_TOKEN_SECRET_ARN: this.longLivedRunner.secretArn } : {}),
      ...this.lambdaRunner.deployVariables(join(folder, 'engine')),
    };
    return { environment, account, region, folder, signal, source: this.apps };
  }
}
