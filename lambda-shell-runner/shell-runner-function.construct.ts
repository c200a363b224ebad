import { appendFileSync, chmodSync, copyFileSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { Duration, RemovalPolicy, Size, Stage, Tags } from 'aws-cdk-lib';
import { Platform } from 'aws-cdk-lib/aws-ecr-assets';
import type { IEventBus } from 'aws-cdk-lib/aws-events';
import { Effect, type IRole, PolicyStatement, Role, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import {
  Architecture,
  Code,
  DockerImageCode,
  DockerImageFunction,
  type FunctionOptions,
  type IDestination,
  Function as LambdaFunction,
  LoggingFormat,
  Runtime,
  TenancyConfig,
} from 'aws-cdk-lib/aws-lambda';
import { LogGroup, RetentionDays } from 'aws-cdk-lib/aws-logs';
import { Construct } from 'constructs';
import { runnerSettingsVariableOf } from '../infrastructure/deployment/checks/lambda-environment.ts';
import type { LambdaProfile } from '../infrastructure/deployment/profiles/lambda-profile.ts';
import { type GitLabTrust, writeCaCertificates } from '../infrastructure/gitlab/gitlab-trust.construct.ts';
import { caCertificatesFile, type GitLabConnection, trustVariables } from '../infrastructure/gitlab/gitlab-trust.ts';
import { gitlabRunnerRelease } from '../infrastructure/gitlab-runner/gitlab-runner-pins.ts';
import { installVariables } from '../infrastructure/gitlab-runner/gitlab-runner-release.ts';
import { bundleFolderOf } from '../infrastructure/kit/cdk/bundled-function.construct.ts';
import { runnerRightsOf } from '../infrastructure/kit/cdk/runner-role.construct.ts';
import { JobRole } from './job-role.construct.ts';
import { sampleConfig } from './sample-config.ts';
import { addUserImage } from './user-image.construct.ts';

const entry = join(import.meta.dirname, 'run-job.lambda.ts');

/** For starting, for ending a stubborn job (30 s) and for cleaning; Lambda's own limit is 15 minutes. */
const extraMinutes = 2;
const longestMinutes = 15;

/** A job that waited longer for its function has been given another runner by then. */
const maxEventAge = Duration.minutes(5);

export type ShellRunnerFunctionProps = {
  readonly profileName: string;
  readonly profile: LambdaProfile;
  /** Where Lambda reports an invocation that failed. */
  readonly eventBus: IEventBus;
  readonly gitlab: GitLabConnection;
  /** For profiles that are no images, where GitLab has certificates of its own. */
  readonly trust?: GitLabTrust | undefined;
};

/** The function that runs one GitLab job per invocation, as one LAMBDA profile wants it. */
export class ShellRunnerFunction extends Construct {
  readonly function: LambdaFunction;
  /** The autoscaler adds the right to claim tickets. */
  readonly role: Role;

  constructor(scope: Construct, id: string, props: ShellRunnerFunctionProps) {
    super(scope, id);
    const { profileName, profile, eventBus, gitlab, trust } = props;
    const logGroup = new LogGroup(this, 'Logs', {
      retention: RetentionDays.ONE_MONTH,
      removalPolicy: RemovalPolicy.DESTROY,
    });
    const rights = runnerRightsOf(this, profile);
    const { permissionsBoundary } = rights.role;
    this.role = new Role(this, 'Role', {
      description: 'Lambda shell runner: its jobs run in the same sandbox, so it may do next to nothing',
      assumedBy: new ServicePrincipal('lambda.amazonaws.com'),
      ...(permissionsBoundary ? { permissionsBoundary } : {}),
    });
    logGroup.grantWrite(this.role);
    const { roleArn: jobRoleArn } = new JobRole(this, 'JobRole', { profile, rights, functionRole: this.role });
    const runnerSettings = runnerSettingsVariableOf(profile, gitlab);
    this.function = createFunction(this, props, {
      description: `GitLab jobs of profile ${profileName}: one per invocation`,
      role: this.role,
      architecture: profile.architecture === 'arm64' ? Architecture.ARM_64 : Architecture.X86_64,
      memorySize: profile.memoryMiB,
      ephemeralStorageSize: Size.mebibytes(profile.ephemeralStorageMiB),
      timeout: Duration.minutes(Math.min(profile.timeoutMinutes + extraMinutes, longestMinutes)),
      loggingFormat: LoggingFormat.JSON,
      logGroup,
      environment: {
        ...(runnerSettings === undefined ? {} : { RUNNER_SETTINGS: runnerSettings }),
        ...(jobRoleArn === null ? {} : { JOB_ROLE_ARN: jobRoleArn }),
        ...(gitlab.caCertificates !== undefined && profile.packaging === 'image' ? trustVariables : {}),
      },
      // No reserved concurrency for `maxConcurrent`: small accounts have none to give. The autoscaler counts in its
      // table.
      ...(profile.isolateProjects ? { tenancyConfig: TenancyConfig.PER_TENANT } : {}),
    });
    if (profile.packaging === 'zip') trust?.giveTo(this.function);
    // A second try would be a second runner, which takes another job: the autoscaler decides about those.
    this.function.configureAsyncInvoke({ retryAttempts: 0, maxEventAge, onFailure: reportTo(eventBus, this.role) });
    for (const [key, value] of Object.entries(profile.resourceTags)) Tags.of(this).add(key, value);
  }
}

function createFunction(
  scope: Construct,
  { profile, gitlab }: ShellRunnerFunctionProps,
  options: FunctionOptions,
): LambdaFunction {
  switch (profile.packaging) {
    case 'image':
      return new DockerImageFunction(scope, 'Function', {
        ...options,
        code: imageFor(scope, profile, gitlab),
      });
    case 'zip':
      return new LambdaFunction(scope, 'Function', {
        ...options,
        runtime: Runtime.NODEJS_24_X,
        handler: 'index.handler',
        code: Code.fromAsset(bundleFolderOf(entry)),
      });
  }
}

const imageFiles = [
  join(import.meta.dirname, 'image/Dockerfile'),
  join(import.meta.dirname, 'image/install-aws-cli.sh'),
  join(import.meta.dirname, '../infrastructure/gitlab-runner/install-gitlab-runner.sh'),
  join(import.meta.dirname, '../infrastructure/gitlab-runner/check-runner-configs.sh'),
];

/**
 * The image is built where the app is deployed (`cdk deploy` calls the container engine); synth needs only the files.
 */
function imageFor(scope: Construct, profile: LambdaProfile, { caCertificates }: GitLabConnection): DockerImageCode {
  const { architecture, imageFolder: userFolder } = profile;
  const name = userFolder === undefined ? 'shell-runner-image' : `shell-runner-image-${scope.node.addr}`;
  const context = join(Stage.of(scope)?.assetOutdir ?? 'cdk.out', name);
  rmSync(context, { recursive: true, force: true });
  mkdirSync(context, { recursive: true });
  for (const file of [...imageFiles, join(bundleFolderOf(entry), 'index.mjs')]) {
    const copy = join(context, basename(file));
    copyFileSync(file, copy);
    // A file keeps its mode in the image, where Lambda's user must be able to read it whatever this machine's umask is.
    chmodSync(copy, 0o644);
  }
  writeFileSync(join(context, 'function.toml'), sampleConfig());
  chmodSync(join(context, 'function.toml'), 0o644);
  if (caCertificates !== undefined) {
    writeCaCertificates(context, caCertificates);
    const copy = `COPY ${basename(caCertificatesFile)} ${caCertificatesFile}`;
    appendFileSync(join(context, 'Dockerfile'), `\n# By which GitLab is trusted.\n${copy}\n`);
  }
  if (userFolder !== undefined) addUserImage(context, userFolder);
  const isArm = architecture === 'arm64';
  return DockerImageCode.fromImageAsset(context, {
    displayName: `lambda-shell-runner ${architecture}${userFolder === undefined ? '' : ` with ${userFolder}`}`,
    platform: isArm ? Platform.LINUX_ARM64 : Platform.LINUX_AMD64,
    buildArgs: installVariables(gitlabRunnerRelease, architecture),
  });
}

/**
 * Lambda reports failed invocations with the function's own role, whose credentials a job may come to hold. CDK's
 * `EventBridgeDestination` would allow any event on the bus; this role can put only events of the source `lambda`, so
 * that nobody can forge a job event with it. `ForAllValues` is true for a request that names no source: no event lacks
 * one, but Lambda may check the permission without an event when the destination is set.
 * Source: https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-use-conditions.html
 */
function reportTo(eventBus: IEventBus, role: IRole): IDestination {
  return {
    bind: () => {
      role.addToPrincipalPolicy(
        new PolicyStatement({
          effect: Effect.ALLOW,
          actions: ['events:PutEvents'],
          resources: [eventBus.eventBusArn],
          conditions: { 'ForAllValues:StringEquals': { 'events:source': 'lambda' } },
        }),
      );
      return { destination: eventBus.eventBusArn };
    },
  };
}
