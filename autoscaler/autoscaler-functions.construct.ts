import { join } from 'node:path';
import { Fn, Stack } from 'aws-cdk-lib';
import type { IEventBus } from 'aws-cdk-lib/aws-events';
import type { Queue } from 'aws-cdk-lib/aws-sqs';
import { Construct } from 'constructs';
import { type Deployment, profilesOfType } from '../infrastructure/deployment/deployment.ts';
import { subnetIdsOf } from '../infrastructure/deployment/network.ts';
import { GitLabTrust } from '../infrastructure/gitlab/gitlab-trust.construct.ts';
import { BundledFunction, type BundledFunctionProps } from '../infrastructure/kit/cdk/bundled-function.construct.ts';
import { defaultExactSeconds } from '../infrastructure/kit/exactness.ts';
import { removalTimeoutSeconds } from './destroy/runner-removal.construct.ts';
import { FunctionGrants } from './function-grants.construct.ts';
import { reconcilerSettings } from './reconcile/reconciler.construct.ts';
import type { Tables } from './runner-store/tables.construct.ts';
import { grantLaunching, grantTagging } from './runner-types/ec2/launch-permissions.construct.ts';
import { launchTimeoutSeconds } from './runner-types/ec2/launch-queue.construct.ts';
import type { RunnerProfiles } from './runner-types/runner-profiles.construct.ts';

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
  readonly giveTurns: BundledFunction;
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
  readonly #grants: FunctionGrants;

  constructor(scope: Construct, id: string, props: AutoscalerFunctionsProps) {
    super(scope, id);
    this.#props = props;
    const { deployment, tables, profiles, eventBus, launchQueue, tagQueue } = props;
    const { caCertificates } = deployment.gitlab;
    const trust = caCertificates === undefined ? undefined : new GitLabTrust(this, 'GitLabTrust', caCertificates);
    const grants = new FunctionGrants({ ...props, trust });
    this.#grants = grants;
    const retries = { RETRIED_PROFILES: JSON.stringify(retriedProfilesOf(deployment)) };
    const misplacedRetries = { MISPLACED_RETRIED_PROFILES: JSON.stringify(misplacedRetriedProfilesOf(deployment)) };
    const maxAttempts = { MAX_ATTEMPTS: String(deployment.maxAttempts) };
    const routes = {
      MAPPINGS_TABLE: tables.mappings.tableName,
      DEFAULT_RUNNER: JSON.stringify(deployment.defaultRunner),
      PROFILES: Stack.of(this).toJsonString(profiles.runtime),
    };

    const offer = {
      ...(deployment.maxConcurrent === undefined ? {} : { MAX_CONCURRENT: String(deployment.maxConcurrent) }),
      ...(deployment.exact === defaultExactSeconds ? {} : { EXACT: JSON.stringify(deployment.exact) }),
    };
    const allowed = { PROJECTS: JSON.stringify(deployment.allowedProjects) };
    const bus = { EVENT_BUS_ARN: eventBus.eventBusArn };

    this.chooseRunner = this.add('start-runner/choose-runner', 'Chooses where a pending job runs', {
      ...routes,
      ...offer,
      ...bus,
      ...allowed,
    });
    eventBus.grantPutEventsTo(this.chooseRunner);
    grants.useGitLab(this.chooseRunner);
    tables.grantReadMappings(this.chooseRunner);
    tables.grantReadRunners(this.chooseRunner);
    tables.grantChangeRunners(this.chooseRunner);

    this.admitJob = this.add('start-runner/admit-job', 'Admits a job: the gate against duplicates', {
      ...maxAttempts,
      ...retries,
      ...bus,
    });
    eventBus.grantPutEventsTo(this.admitJob);
    tables.grantReadRunners(this.admitJob);
    tables.grantAddRunners(this.admitJob);
    tables.grantChangeRunners(this.admitJob);

    this.registerRunner = this.add('start-runner/register-runner', 'Creates a runner in GitLab and leaves its ticket');
    grants.useGitLab(this.registerRunner);
    tables.grantReadRunners(this.registerRunner);
    tables.grantChangeRunners(this.registerRunner);
    tables.grantAddTickets(this.registerRunner);
    grants.useRunnerTokens(this.registerRunner);

    this.invokeIsolatedRunner = this.addInvokeIsolatedRunner();

    this.abandonRunner = this.add('start-runner/abandon-runner', 'Undoes an attempt that failed', {
      ...maxAttempts,
      ...bus,
    });
    eventBus.grantPutEventsTo(this.abandonRunner);
    grants.useGitLab(this.abandonRunner);
    tables.grantReadRunners(this.abandonRunner);
    tables.grantAddRunners(this.abandonRunner);
    tables.grantChangeRunners(this.abandonRunner);
    tables.grantRemoveTickets(this.abandonRunner);
    grants.allowTerminating(this.abandonRunner);
    grants.useRunnerTokens(this.abandonRunner);
    grants.lookAtManagedHosts(this.abandonRunner);

    this.launchInstances = this.add('runner-types/ec2/launch-instances', 'Launches instances for waiting requests', {
      LAUNCH_PROFILES: Stack.of(this).toJsonString(profiles.launch),
      ...(Object.keys(deployment.resourceTags).length === 0
        ? {}
        : { RESOURCE_TAGS: JSON.stringify(deployment.resourceTags) }),
      SUBNET_IDS: props.subnetIds,
      LAUNCH_QUEUE_URL: launchQueue.queueUrl,
      TAG_QUEUE_URL: tagQueue.queueUrl,
      EVENT_BUS_ARN: eventBus.eventBusArn,
    });
    tables.grantReadRunners(this.launchInstances);
    tables.grantChangeRunners(this.launchInstances);
    tables.grantHandOutTickets(this.launchInstances);
    eventBus.grantPutEventsTo(this.launchInstances);
    launchQueue.grantConsumeMessages(this.launchInstances);
    grants.allow(this.launchInstances, ['sqs:SendMessage'], tagQueue.queueArn);
    grantLaunching(this.launchInstances, deployment, profiles.ec2, networkSubnetsOf(props));
    grants.allowTerminating(this.launchInstances);

    this.tagInstances = this.add('runner-types/ec2/tag-instances', 'Tags instances with their jobs, without haste');
    tagQueue.grantConsumeMessages(this.tagInstances);
    grantTagging(this.tagInstances, deployment);

    this.bindRunner = this.add('bind-runner/bind-runner', 'Notes which job a runner took', { ...routes, ...bus });
    eventBus.grantPutEventsTo(this.bindRunner);
    tables.grantReadRunners(this.bindRunner);
    tables.grantChangeRunners(this.bindRunner);
    // Of a job that our table does not know, GitLab says the tags, and the mappings whether it is in the right place.
    grants.useGitLab(this.bindRunner);
    tables.grantReadMappings(this.bindRunner);
    grants.askWhichHost(this.bindRunner);

    this.giveTurns = this.add('gate/give-turns', 'Decides which runners may ask GitLab for a job', {
      ...routes,
      ...offer,
      ...bus,
    });
    grants.useGitLab(this.giveTurns);
    tables.grantReadMappings(this.giveTurns);
    tables.grantReadRunners(this.giveTurns);
    tables.grantAddRunners(this.giveTurns);
    tables.grantChangeRunners(this.giveTurns);
    tables.grantMoveTickets(this.giveTurns);
    eventBus.grantPutEventsTo(this.giveTurns);

    this.findRunner = this.add('stop-runner/find-runner', 'Finds the runners that a finished job leaves', bus);
    eventBus.grantPutEventsTo(this.findRunner);
    tables.grantReadRunners(this.findRunner);
    tables.grantAddRunners(this.findRunner);
    tables.grantChangeRunners(this.findRunner);
    grants.useGitLab(this.findRunner);
    grants.askWhichHost(this.findRunner);

    this.drainRunner = this.add('stop-runner/drain-runner', 'Pauses a runner and looks whether it is idle');
    grants.useGitLab(this.drainRunner);
    tables.grantReadRunners(this.drainRunner);
    tables.grantChangeRunners(this.drainRunner);
    grants.lookAtManagedHosts(this.drainRunner);

    this.unregisterRunner = this.add('stop-runner/unregister-runner', 'Removes a runner from GitLab');
    grants.useGitLab(this.unregisterRunner);
    grants.useRunnerTokens(this.unregisterRunner);

    this.terminateInstance = this.add('stop-runner/terminate-instance', 'Terminates the instance of a runner');
    grants.allowTerminating(this.terminateInstance);

    this.releaseRunner = this.add('stop-runner/release-runner', 'Ends the item of a stopped runner', bus);
    eventBus.grantPutEventsTo(this.releaseRunner);
    tables.grantReadRunners(this.releaseRunner);
    tables.grantChangeRunners(this.releaseRunner);
    tables.grantRemoveTickets(this.releaseRunner);

    const hasFunctions = profilesOfType(deployment, 'LAMBDA').length > 0;
    this.reconcile = this.add(
      'reconcile/reconcile',
      'Repairs what lost events, crashes and dead hosts left behind',
      {
        ...maxAttempts,
        ...routes,
        EVENT_BUS_ARN: eventBus.eventBusArn,
        LAUNCH_QUEUE_URL: launchQueue.queueUrl,
        ...allowed,
        PATIENCE: String(deployment.reconciler.patience),
        ...(hasFunctions ? { HAS_FUNCTIONS: 'true' } : {}),
      },
      reconcilerSettings,
    );
    grants.useGitLab(this.reconcile);
    tables.grantReadMappings(this.reconcile);
    tables.grantReadRunners(this.reconcile);
    tables.grantAddRunners(this.reconcile);
    tables.grantListTickets(this.reconcile);
    tables.grantRemoveTickets(this.reconcile);
    eventBus.grantPutEventsTo(this.reconcile);
    grants.allow(this.reconcile, ['sqs:SendMessage'], launchQueue.queueArn);
    grants.allowTerminating(this.reconcile);
    grants.allowListingInstances(this.reconcile);
    if (hasFunctions) grants.allowAskingAboutLambda(this.reconcile);

    this.findInterruptedRunner = this.add(
      'interrupt-runner/find-interrupted-runner',
      'Finds the runner on an instance that EC2 takes back, or that ended',
    );
    tables.grantReadRunners(this.findInterruptedRunner);
    tables.grantChangeRunners(this.findInterruptedRunner);
    // Why an instance died before it took a job, EC2 alone knows.
    grants.allowListingInstances(this.findInterruptedRunner);

    this.mendJob = this.add('interrupt-runner/mend-job', 'Ends or retries the job of an interrupted or wrong runner', {
      ...retries,
      ...misplacedRetries,
    });
    grants.useGitLab(this.mendJob);
    tables.grantReadRunners(this.mendJob);
    tables.grantChangeRunners(this.mendJob);

    this.removeRunners = this.add(
      'destroy/remove-runners',
      'Ends every instance and GitLab runner when the stack is destroyed',
      {},
      // Its log is the only place that says what is left in GitLab when all else is gone.
      { timeoutSeconds: removalTimeoutSeconds, logOutlivesStack: true },
    );
    grants.useGitLab(this.removeRunners);
    tables.grantFindRunners(this.removeRunners);
    grants.allowTerminating(this.removeRunners);
    grants.allowListingInstances(this.removeRunners);
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
        TICKETS_TABLE: tables.tickets.claimable.tableName,
        WAITING_TICKETS_TABLE: tables.tickets.waiting.tableName,
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
    const lambda = this.add('runner-types/lambda/invoke-isolated-runner', 'Starts a runner’s function for one project');
    this.#grants.allow(lambda, ['lambda:InvokeFunction'], ...arns);
    return lambda;
  }
}

/** One by one: how many there are is known, and CloudFormation fills in which. */
function networkSubnetsOf({ deployment, subnetIds }: AutoscalerFunctionsProps): string[] {
  return subnetIdsOf(deployment.network).map((_, index) => Fn.select(index, Fn.split(',', subnetIds)));
}

/** Profiles whose jobs are retried when a spot interruption ended them. */
function retriedProfilesOf(deployment: Deployment): readonly string[] {
  const retried = profilesOfType(deployment, 'EC2').filter(
    ([, { retryInterrupted }]) => retryInterrupted === 'onDemand',
  );
  return retried.map(([name]) => name);
}

/** Profiles whose jobs are retried when they failed on a runner of another one. */
function misplacedRetriedProfilesOf({ profiles }: Deployment): readonly string[] {
  return Object.entries(profiles).flatMap(([name, { retryMisplaced }]) => (retryMisplaced ? [name] : []));
}
