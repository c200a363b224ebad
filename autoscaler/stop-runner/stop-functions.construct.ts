import { join } from 'node:path';
import type { IEventBus } from 'aws-cdk-lib/aws-events';
import type { Construct } from 'constructs';
import { grantDraining } from '../end-runner/drain-host.construct.ts';
import { grantPutEvents } from '../events/event-bus.construct.ts';
import type { GitLabAccess } from '../gitlab/gitlab-access.construct.ts';
import { AutoscalerFunction, type FunctionGivens } from '../runner-store/autoscaler-function.construct.ts';
import { grantTerminating } from '../runner-types/ec2/instance-permissions.construct.ts';

export type StopFunctionsProps = FunctionGivens & { readonly eventBus: IEventBus; readonly gitlab: GitLabAccess };

/** The functions that end a runner: find, drain, unregister, terminate, release. */
export class StopFunctions {
  readonly findRunner: AutoscalerFunction;
  readonly drainRunner: AutoscalerFunction;
  readonly unregisterRunner: AutoscalerFunction;
  readonly terminateInstance: AutoscalerFunction;
  readonly releaseRunner: AutoscalerFunction;

  constructor(scope: Construct, props: StopFunctionsProps) {
    const { deployment, tables, eventBus, gitlab } = props;

    this.findRunner = new AutoscalerFunction(scope, props, {
      entry: join(import.meta.dirname, 'find-runner.lambda.ts'),
      description: 'Finds the runners that a finished job leaves',
    });
    tables.grantReadRunners(this.findRunner);
    tables.grantAddRunners(this.findRunner);
    tables.grantChangeRunners(this.findRunner);
    gitlab.grantUse(this.findRunner);
    gitlab.askWhichHost(this.findRunner);
    grantPutEvents(this.findRunner, eventBus);

    this.drainRunner = new AutoscalerFunction(scope, props, {
      entry: join(import.meta.dirname, 'drain-runner.lambda.ts'),
      description: 'Pauses a runner and looks whether it is idle',
    });
    gitlab.grantUse(this.drainRunner);
    tables.grantReadRunners(this.drainRunner);
    tables.grantChangeRunners(this.drainRunner);
    grantDraining(this.drainRunner, props);

    this.unregisterRunner = new AutoscalerFunction(scope, props, {
      entry: join(import.meta.dirname, 'unregister-runner.lambda.ts'),
      description: 'Removes a runner from GitLab',
    });
    gitlab.grantUse(this.unregisterRunner);
    gitlab.grantRunnerTokens(this.unregisterRunner);

    this.terminateInstance = new AutoscalerFunction(scope, props, {
      entry: join(import.meta.dirname, 'terminate-instance.lambda.ts'),
      description: 'Terminates the instance of a runner',
    });
    grantTerminating(this.terminateInstance, deployment);

    this.releaseRunner = new AutoscalerFunction(scope, props, {
      entry: join(import.meta.dirname, 'release-runner.lambda.ts'),
      description: 'Ends the item of a stopped runner',
    });
    tables.grantReadRunners(this.releaseRunner);
    tables.grantChangeRunners(this.releaseRunner);
    tables.grantRemoveTickets(this.releaseRunner);
    grantPutEvents(this.releaseRunner, eventBus);
  }
}
