import { join } from 'node:path';
import { Fn, Stack } from 'aws-cdk-lib';
import type { IEventBus } from 'aws-cdk-lib/aws-events';
import { PolicyStatement } from 'aws-cdk-lib/aws-iam';
import { Construct } from 'constructs';
import { type Deployment, profilesOfType } from '../infrastructure/deployment/deployment.ts';
import { subnetIdsOf } from '../infrastructure/deployment/network.ts';
import { acknowledgeWildcards } from '../infrastructure/kit/cdk/acknowledge-rules.construct.ts';
import { BundledFunction, type BundledFunctionProps } from '../infrastructure/kit/cdk/bundled-function.construct.ts';
import { removalTimeoutSeconds } from './destroy/runner-removal.construct.ts';
import { grantDraining } from './end-runner/drain-host.construct.ts';
import { grantPutEvents } from './events/event-bus.construct.ts';
import { GitLabAccess } from './gitlab/gitlab-access.construct.ts';
import { reconcilerSettings } from './reconcile/reconciler.construct.ts';
import type { Tables } from './runner-store/tables.construct.ts';
import { grantListing, grantTagging, grantTerminating } from './runner-types/ec2/instance-permissions.construct.ts';
import { grantLaunching } from './runner-types/ec2/launch-permissions.construct.ts';
import { type LaunchQueue, launchTimeoutSeconds } from './runner-types/ec2/launch-queue.construct.ts';
import type { TagQueue } from './runner-types/ec2/tag-queue.construct.ts';
import { Routing } from './runner-types/routing.construct.ts';
import type { RunnerProfiles } from './runner-types/runner-profiles.construct.ts';

export type AutoscalerFunctionsProps = {
  readonly deployment: Deployment;
  readonly tables: Tables;
  readonly profiles: RunnerProfiles;
  readonly eventBus: IEventBus;
  readonly launchQueue: LaunchQueue;
  readonly tagQueue: TagQueue;
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

  constructor(scope: Construct, id: string, props: AutoscalerFunctionsProps) {
    super(scope, id);
    this.#props = props;
    const { deployment, tables, profiles, eventBus, launchQueue, tagQueue } = props;
    const gitlab = new GitLabAccess(this, deployment, props.gitlabTokenSecretArn);
    const routing = new Routing({ deployment, tables, profiles });
    const retries = { RETRIED_PROFILES: JSON.stringify(retriedProfilesOf(deployment)) };
    const misplacedRetries = { MISPLACED_RETRIED_PROFILES: JSON.stringify(misplacedRetriedProfilesOf(deployment)) };
    const maxAttempts = { MAX_ATTEMPTS: String(deployment.maxAttempts) };
    const allowed = { PROJECTS: JSON.stringify(deployment.allowedProjects) };

    this.chooseRunner = this.add('start-runner/choose-runner', 'Chooses where a pending job runs', {
      ...allowed,
    });
    grantPutEvents(this.chooseRunner, eventBus);
    gitlab.grantUse(this.chooseRunner);
    routing.grantChoose(this.chooseRunner);
    tables.grantReadRunners(this.chooseRunner);
    tables.grantChangeRunners(this.chooseRunner);

    this.admitJob = this.add('start-runner/admit-job', 'Admits a job: the gate against duplicates', {
      ...maxAttempts,
      ...retries,
    });
    grantPutEvents(this.admitJob, eventBus);
    tables.grantReadRunners(this.admitJob);
    tables.grantAddRunners(this.admitJob);
    tables.grantChangeRunners(this.admitJob);

    this.registerRunner = this.add('start-runner/register-runner', 'Creates a runner in GitLab and leaves its ticket');
    gitlab.grantUse(this.registerRunner);
    tables.grantReadRunners(this.registerRunner);
    tables.grantChangeRunners(this.registerRunner);
    tables.grantAddTickets(this.registerRunner);
    gitlab.grantRunnerTokens(this.registerRunner);

    this.invokeIsolatedRunner = this.addInvokeIsolatedRunner();

    this.abandonRunner = this.add('start-runner/abandon-runner', 'Undoes an attempt that failed', {
      ...maxAttempts,
    });
    grantPutEvents(this.abandonRunner, eventBus);
    gitlab.grantUse(this.abandonRunner);
    tables.grantReadRunners(this.abandonRunner);
    tables.grantAddRunners(this.abandonRunner);
    tables.grantChangeRunners(this.abandonRunner);
    tables.grantRemoveTickets(this.abandonRunner);
    grantTerminating(this.abandonRunner, deployment);
    gitlab.grantRunnerTokens(this.abandonRunner);
    grantDraining(this.abandonRunner, { gitlab, tables });

    this.launchInstances = this.add('runner-types/ec2/launch-instances', 'Launches instances for waiting requests', {
      LAUNCH_PROFILES: Stack.of(this).toJsonString(profiles.launch),
      ...(Object.keys(deployment.resourceTags).length === 0
        ? {}
        : { RESOURCE_TAGS: JSON.stringify(deployment.resourceTags) }),
      SUBNET_IDS: props.subnetIds,
    });
    tables.grantReadRunners(this.launchInstances);
    tables.grantChangeRunners(this.launchInstances);
    tables.grantHandOutTickets(this.launchInstances);
    grantPutEvents(this.launchInstances, eventBus);
    launchQueue.grantConsume(this.launchInstances);
    tagQueue.grantSend(this.launchInstances);
    grantLaunching(this.launchInstances, deployment, profiles.ec2, networkSubnetsOf(props));
    grantTerminating(this.launchInstances, deployment);

    this.tagInstances = this.add('runner-types/ec2/tag-instances', 'Tags instances with their jobs, without haste');
    tagQueue.queue.grantConsumeMessages(this.tagInstances);
    grantTagging(this.tagInstances, deployment);

    this.bindRunner = this.add('bind-runner/bind-runner', 'Notes which job a runner took');
    grantPutEvents(this.bindRunner, eventBus);
    tables.grantReadRunners(this.bindRunner);
    tables.grantChangeRunners(this.bindRunner);
    // Of a job that our table does not know, GitLab says the tags, and the mappings whether it is in the right place.
    gitlab.grantUse(this.bindRunner);
    routing.grantRead(this.bindRunner);
    gitlab.askWhichHost(this.bindRunner);

    this.giveTurns = this.add('gate/give-turns', 'Decides which runners may ask GitLab for a job');
    gitlab.grantUse(this.giveTurns);
    routing.grantChoose(this.giveTurns);
    tables.grantReadRunners(this.giveTurns);
    tables.grantAddRunners(this.giveTurns);
    tables.grantChangeRunners(this.giveTurns);
    tables.grantMoveTickets(this.giveTurns);
    grantPutEvents(this.giveTurns, eventBus);

    this.findRunner = this.add('stop-runner/find-runner', 'Finds the runners that a finished job leaves');
    grantPutEvents(this.findRunner, eventBus);
    tables.grantReadRunners(this.findRunner);
    tables.grantAddRunners(this.findRunner);
    tables.grantChangeRunners(this.findRunner);
    gitlab.grantUse(this.findRunner);
    gitlab.askWhichHost(this.findRunner);

    this.drainRunner = this.add('stop-runner/drain-runner', 'Pauses a runner and looks whether it is idle');
    gitlab.grantUse(this.drainRunner);
    tables.grantReadRunners(this.drainRunner);
    tables.grantChangeRunners(this.drainRunner);
    grantDraining(this.drainRunner, { gitlab, tables });

    this.unregisterRunner = this.add('stop-runner/unregister-runner', 'Removes a runner from GitLab');
    gitlab.grantUse(this.unregisterRunner);
    gitlab.grantRunnerTokens(this.unregisterRunner);

    this.terminateInstance = this.add('stop-runner/terminate-instance', 'Terminates the instance of a runner');
    grantTerminating(this.terminateInstance, deployment);

    this.releaseRunner = this.add('stop-runner/release-runner', 'Ends the item of a stopped runner');
    grantPutEvents(this.releaseRunner, eventBus);
    tables.grantReadRunners(this.releaseRunner);
    tables.grantChangeRunners(this.releaseRunner);
    tables.grantRemoveTickets(this.releaseRunner);

    const hasFunctions = profilesOfType(deployment, 'LAMBDA').length > 0;
    this.reconcile = this.add(
      'reconcile/reconcile',
      'Repairs what lost events, crashes and dead hosts left behind',
      {
        ...maxAttempts,
        ...allowed,
        PATIENCE: String(deployment.reconciler.patience),
        ...(hasFunctions ? { HAS_FUNCTIONS: 'true' } : {}),
      },
      reconcilerSettings,
    );
    gitlab.grantUse(this.reconcile);
    routing.grantRead(this.reconcile);
    tables.grantReadRunners(this.reconcile);
    tables.grantAddRunners(this.reconcile);
    tables.grantListTickets(this.reconcile);
    tables.grantRemoveTickets(this.reconcile);
    grantPutEvents(this.reconcile, eventBus);
    launchQueue.grantSend(this.reconcile);
    grantTerminating(this.reconcile, deployment);
    grantListing(this.reconcile);
    if (hasFunctions) grantAskingAboutLambda(this.reconcile);

    this.findInterruptedRunner = this.add(
      'interrupt-runner/find-interrupted-runner',
      'Finds the runner on an instance that EC2 takes back, or that ended',
    );
    tables.grantReadRunners(this.findInterruptedRunner);
    tables.grantChangeRunners(this.findInterruptedRunner);
    // Why an instance died before it took a job, EC2 alone knows.
    grantListing(this.findInterruptedRunner);

    this.mendJob = this.add('interrupt-runner/mend-job', 'Ends or retries the job of an interrupted or wrong runner', {
      ...retries,
      ...misplacedRetries,
    });
    gitlab.grantUse(this.mendJob);
    tables.grantReadRunners(this.mendJob);
    tables.grantChangeRunners(this.mendJob);

    this.removeRunners = this.add(
      'destroy/remove-runners',
      'Ends every instance and GitLab runner when the stack is destroyed',
      {},
      // Its log is the only place that says what is left in GitLab when all else is gone.
      { timeoutSeconds: removalTimeoutSeconds, logOutlivesStack: true },
    );
    gitlab.grantUse(this.removeRunners);
    tables.grantFindRunners(this.removeRunners);
    grantTerminating(this.removeRunners, deployment);
    grantListing(this.removeRunners);
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
    lambda.addToRolePolicy(new PolicyStatement({ actions: ['lambda:InvokeFunction'], resources: arns }));
    return lambda;
  }
}

/** The limits of the account's functions, and how many there are: nothing about any single one. */
function grantAskingAboutLambda(lambda: BundledFunction): void {
  acknowledgeWildcards(lambda, 'The settings of an account belong to no resource; they are only read.', '*');
  lambda.addToRolePolicy(new PolicyStatement({ actions: ['lambda:GetAccountSettings'], resources: ['*'] }));
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
