import { join } from 'node:path';
import { Stack, Validations } from 'aws-cdk-lib';
import type { IEventBus } from 'aws-cdk-lib/aws-events';
import { PolicyStatement } from 'aws-cdk-lib/aws-iam';
import type { Queue } from 'aws-cdk-lib/aws-sqs';
import { Construct } from 'constructs';
import { acknowledgeWildcards } from '../infrastructure/lib/acknowledge-rules.construct.ts';
import { BundledFunction, type BundledFunctionProps } from '../infrastructure/lib/bundled-function.construct.ts';
import { type Deployment, profilesOfType } from '../infrastructure/lib/deployment.ts';
import { runnerTokenSecretsOf } from '../infrastructure/lib/deployment-runner-tokens.ts';
import { deploymentTag } from '../infrastructure/lib/deployment-tag.ts';
import { GitLabTrust } from '../infrastructure/lib/gitlab-trust.construct.ts';
import { reconcilerSettings } from './reconcile/reconciler.construct.ts';
import { removalTimeoutSeconds } from './remove-runners/runner-removal.construct.ts';
import type { RunnerProfiles } from './runner-profiles.construct.ts';
import { instanceIdIndex, liveIndex, runnerIdIndex } from './runners/runner-indexes.ts';
import { grantLaunching, grantTagging } from './start-runner/ec2/launch-permissions.construct.ts';
import { launchTimeoutSeconds } from './start-runner/ec2/launch-queue.construct.ts';
import type { Tables } from './tables.construct.ts';

export type AutoscalerFunctionsProps = {
  readonly deployment: Deployment;
  readonly tables: Tables;
  readonly profiles: RunnerProfiles;
  readonly eventBus: IEventBus;
  readonly launchQueue: Queue;
  readonly tagQueue: Queue;
  readonly gitlabTokenSecretArn: string;
  /** Ids, separated by commas. */
  readonly subnetIds: string;
};

/** What a Lambda does to a table, as IAM actions. A transaction needs the actions of its parts. */
const reads = ['dynamodb:GetItem', 'dynamodb:Query'];
const updates = ['dynamodb:UpdateItem'];
const puts = ['dynamodb:PutItem'];
const deletes = ['dynamodb:DeleteItem'];

/** The autoscaler's Lambdas, each with exactly the rights that it needs. */
export class AutoscalerFunctions extends Construct {
  readonly chooseRunner: BundledFunction;
  readonly admitJob: BundledFunction;
  readonly registerRunner: BundledFunction;
  readonly invokeIsolatedRunner: BundledFunction | undefined;
  readonly abandonRunner: BundledFunction;
  readonly launchInstances: BundledFunction;
  readonly tagInstances: BundledFunction;
  readonly bindRunner: BundledFunction;
  readonly findRunner: BundledFunction;
  readonly drainRunner: BundledFunction;
  readonly unregisterRunner: BundledFunction;
  readonly terminateInstance: BundledFunction;
  readonly releaseRunner: BundledFunction;
  readonly reconcile: BundledFunction;
  readonly findInterruptedRunner: BundledFunction;
  readonly mendJob: BundledFunction;
  readonly removeRunners: BundledFunction;
  readonly #props: AutoscalerFunctionsProps;
  readonly #trust: GitLabTrust | undefined;

  constructor(scope: Construct, id: string, props: AutoscalerFunctionsProps) {
    super(scope, id);
    this.#props = props;
    Validations.of(this).acknowledge({
      id: 'AwsSolutions-IAM4[Policy::arn:<AWS::Partition>:iam::aws:policy/service-role/AWSLambdaBasicExecutionRole]',
      reason:
        'Writing its own log is all that this policy gives; everything else stands in the policy of each function.',
    });
    const { deployment, tables, profiles, eventBus, launchQueue, tagQueue } = props;
    const { caCertificates } = deployment.gitlab;
    this.#trust = caCertificates === undefined ? undefined : new GitLabTrust(this, 'GitLabTrust', caCertificates);
    const retries = { RETRIED_PROFILES: JSON.stringify(retriedProfilesOf(deployment)) };
    const maxAttempts = { MAX_ATTEMPTS: String(deployment.maxAttempts) };
    const routes = {
      MAPPINGS_TABLE: tables.mappings.tableName,
      DEFAULT_RUNNER: JSON.stringify(deployment.defaultRunner),
    };

    this.chooseRunner = this.add('start-runner/choose-runner', 'Chooses where a pending job runs', {
      ...routes,
      PROFILES: Stack.of(this).toJsonString(profiles.runtime),
      ...(deployment.maxConcurrent === undefined ? {} : { MAX_CONCURRENT: String(deployment.maxConcurrent) }),
    });
    this.useGitLab(this.chooseRunner);
    this.allow(this.chooseRunner, ['dynamodb:Scan'], tables.mappings.tableArn);
    this.useRunners(this.chooseRunner, [...reads, ...updates]);

    this.admitJob = this.add('start-runner/admit-job', 'Admits a job: the gate against duplicates', {
      ...maxAttempts,
      ...retries,
    });
    this.useRunners(this.admitJob, [...reads, ...puts, ...updates]);

    this.registerRunner = this.add('start-runner/register-runner', 'Creates a runner in GitLab and leaves its ticket');
    this.useGitLab(this.registerRunner);
    this.useRunners(this.registerRunner, [...reads, ...updates]);
    this.useTickets(this.registerRunner, puts);
    this.useRunnerTokens(this.registerRunner);

    this.invokeIsolatedRunner = this.addInvokeIsolatedRunner();

    this.abandonRunner = this.add('start-runner/abandon-runner', 'Undoes an attempt that failed', maxAttempts);
    this.useGitLab(this.abandonRunner);
    this.useRunners(this.abandonRunner, [...reads, ...puts, ...updates]);
    this.useTickets(this.abandonRunner, deletes);
    this.allowTerminating(this.abandonRunner);
    this.useRunnerTokens(this.abandonRunner);
    this.lookAtManagedHosts(this.abandonRunner);

    this.launchInstances = this.add('start-runner/ec2/launch-instances', 'Launches instances for waiting requests', {
      LAUNCH_PROFILES: Stack.of(this).toJsonString(profiles.launch),
      SUBNET_IDS: props.subnetIds,
      LAUNCH_QUEUE_URL: launchQueue.queueUrl,
      TAG_QUEUE_URL: tagQueue.queueUrl,
      EVENT_BUS_ARN: eventBus.eventBusArn,
    });
    this.useRunners(this.launchInstances, [...reads, ...updates]);
    this.useTickets(this.launchInstances, ['dynamodb:GetItem', ...puts, ...deletes]);
    eventBus.grantPutEventsTo(this.launchInstances);
    launchQueue.grantConsumeMessages(this.launchInstances);
    this.allow(this.launchInstances, ['sqs:SendMessage'], tagQueue.queueArn);
    grantLaunching(this.launchInstances, deployment, profiles.ec2);
    this.allowTerminating(this.launchInstances);

    this.tagInstances = this.add('start-runner/ec2/tag-instances', 'Tags instances with their jobs, without haste');
    tagQueue.grantConsumeMessages(this.tagInstances);
    grantTagging(this.tagInstances, deployment);

    this.bindRunner = this.add('bind-runner/bind-runner', 'Notes which job a runner took', {
      EVENT_BUS_ARN: eventBus.eventBusArn,
    });
    eventBus.grantPutEventsTo(this.bindRunner);
    this.useRunners(this.bindRunner, [...reads, ...updates]);
    this.askWhichHost(this.bindRunner);

    this.findRunner = this.add('stop-runner/find-runner', 'Finds the runners that a finished job leaves');
    this.useRunners(this.findRunner, [...reads, ...puts, ...updates]);
    this.askWhichHost(this.findRunner);

    this.drainRunner = this.add('stop-runner/drain-runner', 'Pauses a runner and looks whether it is idle');
    this.useGitLab(this.drainRunner);
    this.useRunners(this.drainRunner, [...reads, ...updates]);
    this.lookAtManagedHosts(this.drainRunner);

    this.unregisterRunner = this.add('stop-runner/unregister-runner', 'Removes a runner from GitLab');
    this.useGitLab(this.unregisterRunner);
    this.useRunnerTokens(this.unregisterRunner);

    this.terminateInstance = this.add('stop-runner/terminate-instance', 'Terminates the instance of a runner');
    this.allowTerminating(this.terminateInstance);

    this.releaseRunner = this.add('stop-runner/release-runner', 'Ends the item of a stopped runner');
    this.useRunners(this.releaseRunner, [...reads, ...updates]);
    this.useTickets(this.releaseRunner, deletes);

    this.reconcile = this.add(
      'reconcile/reconcile',
      'Repairs what lost events, crashes and dead hosts left behind',
      {
        ...maxAttempts,
        ...routes,
        EVENT_BUS_ARN: eventBus.eventBusArn,
        LAUNCH_QUEUE_URL: launchQueue.queueUrl,
        PROJECTS: JSON.stringify(deployment.allowedProjects),
        PATIENCE: String(deployment.reconciler.patience),
      },
      reconcilerSettings,
    );
    this.useGitLab(this.reconcile);
    this.allow(this.reconcile, ['dynamodb:Scan'], tables.mappings.tableArn);
    this.useRunners(this.reconcile, [...reads, ...puts]);
    this.useTickets(this.reconcile, ['dynamodb:Scan', ...deletes]);
    eventBus.grantPutEventsTo(this.reconcile);
    this.allow(this.reconcile, ['sqs:SendMessage'], launchQueue.queueArn);
    this.allowTerminating(this.reconcile);
    this.allowListingInstances(this.reconcile);

    this.findInterruptedRunner = this.add(
      'interrupt-runner/find-interrupted-runner',
      'Finds the runner on an instance that EC2 takes back, or that ended',
    );
    this.useRunners(this.findInterruptedRunner, [...reads, ...updates]);

    this.mendJob = this.add('interrupt-runner/mend-job', 'Ends or retries the job of an interrupted runner', retries);
    this.useGitLab(this.mendJob);
    this.useRunners(this.mendJob, [...reads, ...updates]);

    this.removeRunners = this.add(
      'remove-runners/remove-runners',
      'Ends every instance and GitLab runner when the stack is destroyed',
      {},
      // Its log is the only place that says what is left in GitLab when all else is gone.
      { timeoutSeconds: removalTimeoutSeconds, logOutlivesStack: true },
    );
    this.useGitLab(this.removeRunners);
    this.useRunners(this.removeRunners, ['dynamodb:Query']);
    this.allowTerminating(this.removeRunners);
    this.allowListingInstances(this.removeRunners);
  }

  private add(
    path: string,
    description: string,
    environment: Record<string, string> = {},
    settings: Partial<BundledFunctionProps> = {},
  ): BundledFunction {
    const { deployment, tables } = this.#props;
    const name = path.split('/').at(-1) ?? path;
    return new BundledFunction(this, name, {
      entry: join(import.meta.dirname, `${path}.lambda.ts`),
      description,
      timeoutSeconds: launchTimeoutSeconds,
      environment: {
        DEPLOYMENT: deployment.name,
        RUNNERS_TABLE: tables.runners.tableName,
        TICKETS_TABLE: tables.tickets.tableName,
        ...environment,
      },
      ...settings,
    });
  }

  /** Only for deployments that have something to isolate. */
  private addInvokeIsolatedRunner(): BundledFunction | undefined {
    const { runtime } = this.#props.profiles;
    const arns = Object.values(runtime).flatMap(({ isolateProjects, functionArn }) =>
      isolateProjects && functionArn !== undefined ? [functionArn] : [],
    );
    if (arns.length === 0) return undefined;
    const lambda = this.add('start-runner/invoke-isolated-runner', 'Starts a runner’s function for one project');
    this.allow(lambda, ['lambda:InvokeFunction'], ...arns);
    return lambda;
  }

  private allow(lambda: BundledFunction, actions: string[], ...resources: string[]): void {
    lambda.addToRolePolicy(new PolicyStatement({ actions, resources }));
  }

  private useRunners(lambda: BundledFunction, actions: string[]): void {
    const { tableArn } = this.#props.tables.runners;
    const indexes = [runnerIdIndex, instanceIdIndex, liveIndex];
    this.allow(lambda, actions, tableArn, ...indexes.map((index) => `${tableArn}/index/${index}`));
  }

  private useTickets(lambda: BundledFunction, actions: string[]): void {
    this.allow(lambda, actions, this.#props.tables.tickets.tableArn);
  }

  private useGitLab(lambda: BundledFunction): void {
    const { deployment, gitlabTokenSecretArn } = this.#props;
    lambda.addEnvironment('GITLAB_URL', deployment.gitlab.url);
    lambda.addEnvironment('GITLAB_TOKEN_SECRET_ARN', gitlabTokenSecretArn);
    this.#trust?.giveTo(lambda);
    this.allow(lambda, ['secretsmanager:GetSecretValue'], gitlabTokenSecretArn);
  }

  private get runnerTokenSecrets(): Readonly<Record<string, string>> {
    return runnerTokenSecretsOf(this.#props.deployment);
  }

  private get hasManagedHosts(): boolean {
    return Object.keys(this.runnerTokenSecrets).length > 0;
  }

  /** The tokens of long-lived runners, where profiles bring such. */
  private useRunnerTokens(lambda: BundledFunction): void {
    if (!this.hasManagedHosts) return;
    lambda.addEnvironment('RUNNER_TOKEN_SECRETS', JSON.stringify(this.runnerTokenSecrets));
    this.allow(lambda, ['secretsmanager:GetSecretValue'], ...Object.values(this.runnerTokenSecrets));
  }

  /** Events name a long-lived runner; which of its hosts has the job, GitLab is asked. */
  private askWhichHost(lambda: BundledFunction): void {
    if (this.hasManagedHosts) this.useGitLab(lambda);
  }

  /** A host of a long-lived runner ends when its ticket can be taken back, or when it is gone. */
  private lookAtManagedHosts(lambda: BundledFunction): void {
    if (!this.hasManagedHosts) return;
    this.useTickets(lambda, deletes);
    acknowledgeWildcards(lambda, 'Looking at instances knows no resources; nothing is changed by it.', '*');
    this.allow(lambda, ['ec2:DescribeInstances'], '*');
  }

  /** EC2 knows no resources for its lists. */
  private allowListingInstances(lambda: BundledFunction): void {
    acknowledgeWildcards(
      lambda,
      'EC2 lists all instances or none: it only tells those with our tag, since we ask so.',
      '*',
    );
    lambda.addToRolePolicy(
      new PolicyStatement({ sid: 'ListInstances', actions: ['ec2:DescribeInstances'], resources: ['*'] }),
    );
  }

  /** Only instances that carry this deployment's tag. */
  private allowTerminating(lambda: BundledFunction): void {
    const instances = Stack.of(this).formatArn({ service: 'ec2', resource: 'instance', resourceName: '*' });
    acknowledgeWildcards(
      lambda,
      'Instances come and go: only those with the tag of this deployment may be terminated.',
      instances,
    );
    lambda.addToRolePolicy(
      new PolicyStatement({
        actions: ['ec2:TerminateInstances'],
        resources: [instances],
        conditions: { StringEquals: { [`aws:ResourceTag/${deploymentTag}`]: this.#props.deployment.name } },
      }),
    );
  }
}

/** Profiles whose jobs are retried when a spot interruption ended them. */
export function retriedProfilesOf(deployment: Deployment): readonly string[] {
  const retried = profilesOfType(deployment, 'EC2').filter(
    ([, { retryInterrupted }]) => retryInterrupted === 'onDemand',
  );
  return retried.map(([name]) => name);
}
