import type { IEventBus } from 'aws-cdk-lib/aws-events';
import { Construct } from 'constructs';
import type { Deployment } from '../infrastructure/deployment/deployment.ts';
import { BindRunner } from './bind-runner/bind-runner.construct.ts';
import { RemoveRunners } from './destroy/remove-runners.construct.ts';
import { GiveTurns } from './gate/give-turns.construct.ts';
import { GitLabAccess } from './gitlab/gitlab-access.construct.ts';
import { InterruptFunctions } from './interrupt-runner/interrupt-functions.construct.ts';
import { Reconcile } from './reconcile/reconcile.construct.ts';
import type { Tables } from './runner-store/tables.construct.ts';
import { LaunchFunctions } from './runner-types/ec2/launch-functions.construct.ts';
import type { LaunchQueue } from './runner-types/ec2/launch-queue.construct.ts';
import type { TagQueue } from './runner-types/ec2/tag-queue.construct.ts';
import { InvokeIsolatedRunner } from './runner-types/lambda/invoke-isolated-runner.construct.ts';
import { Routing } from './runner-types/routing.construct.ts';
import type { RunnerProfiles } from './runner-types/runner-profiles.construct.ts';
import { StartFunctions } from './start-runner/start-functions.construct.ts';
import { StopFunctions } from './stop-runner/stop-functions.construct.ts';

export type AutoscalerFunctionsProps = {
  readonly deployment: Deployment;
  readonly tables: Tables;
  readonly profiles: RunnerProfiles;
  readonly eventBus: IEventBus;
  readonly launchQueue: LaunchQueue;
  readonly tagQueue: TagQueue;
  readonly gitlabTokenSecretArn: string;
  /** Of the network: ids, separated by commas. */
  readonly subnetIds: string;
};

/**
 * The autoscaler's Lambdas. Each folder makes its own, with exactly the rights that they need; all of them are parts of
 * this.
 */
export class AutoscalerFunctions extends Construct {
  readonly start: StartFunctions;
  /** For deployments that have something to isolate. */
  readonly invokeIsolatedRunner: InvokeIsolatedRunner | undefined;
  readonly launch: LaunchFunctions;
  readonly bindRunner: BindRunner;
  readonly giveTurns: GiveTurns;
  readonly stop: StopFunctions;
  readonly reconcile: Reconcile;
  readonly interrupt: InterruptFunctions;
  readonly removeRunners: RemoveRunners;

  constructor(scope: Construct, id: string, props: AutoscalerFunctionsProps) {
    super(scope, id);
    const { deployment, gitlabTokenSecretArn, profiles } = props;
    const gitlab = new GitLabAccess(this, deployment, gitlabTokenSecretArn);
    const parts = { ...props, gitlab, routing: new Routing(props) };
    this.start = new StartFunctions(this, parts);
    this.invokeIsolatedRunner = InvokeIsolatedRunner.whereNeeded(this, parts, profiles.runtime);
    this.launch = new LaunchFunctions(this, parts);
    this.bindRunner = new BindRunner(this, parts);
    this.giveTurns = new GiveTurns(this, parts);
    this.stop = new StopFunctions(this, parts);
    this.reconcile = new Reconcile(this, parts);
    this.interrupt = new InterruptFunctions(this, parts);
    this.removeRunners = new RemoveRunners(this, parts);
  }
}
