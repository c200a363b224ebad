import { join } from 'node:path';
import type { IEventBus } from 'aws-cdk-lib/aws-events';
import type { Construct } from 'constructs';
import { grantDraining } from '../end-runner/drain-host.construct.ts';
import { retriedProfilesOf } from '../environment/retried-profiles.ts';
import { grantPutEvents } from '../events/event-bus.construct.ts';
import type { GitLabAccess } from '../gitlab/gitlab-access.construct.ts';
import { AutoscalerFunction, type FunctionGivens } from '../runner-store/autoscaler-function.construct.ts';
import { grantTerminating } from '../runner-types/ec2/instance-permissions.construct.ts';
import type { Routing } from '../runner-types/routing.construct.ts';

export type StartFunctionsProps = FunctionGivens & {
  readonly eventBus: IEventBus;
  readonly gitlab: GitLabAccess;
  readonly routing: Routing;
};

/** The functions that give a pending job its runner, and the one that undoes an attempt. */
export class StartFunctions {
  readonly chooseRunner: AutoscalerFunction;
  readonly admitJob: AutoscalerFunction;
  readonly registerRunner: AutoscalerFunction;
  readonly abandonRunner: AutoscalerFunction;

  constructor(scope: Construct, props: StartFunctionsProps) {
    const { deployment, tables, eventBus, gitlab, routing } = props;
    const maxAttempts = { MAX_ATTEMPTS: String(deployment.maxAttempts) };

    this.chooseRunner = new AutoscalerFunction(scope, props, {
      entry: join(import.meta.dirname, 'choose-runner.lambda.ts'),
      description: 'Chooses where a pending job runs',
      environment: { PROJECTS: JSON.stringify(deployment.allowedProjects) },
    });
    routing.grantChoose(this.chooseRunner);
    gitlab.grantUse(this.chooseRunner);
    tables.grantReadRunners(this.chooseRunner);
    tables.grantChangeRunners(this.chooseRunner);
    grantPutEvents(this.chooseRunner, eventBus);

    this.admitJob = new AutoscalerFunction(scope, props, {
      entry: join(import.meta.dirname, 'admit-job.lambda.ts'),
      description: 'Admits a job: the gate against duplicates',
      environment: { ...maxAttempts, RETRIED_PROFILES: JSON.stringify(retriedProfilesOf(deployment)) },
    });
    tables.grantReadRunners(this.admitJob);
    tables.grantAddRunners(this.admitJob);
    tables.grantChangeRunners(this.admitJob);
    grantPutEvents(this.admitJob, eventBus);

    this.registerRunner = new AutoscalerFunction(scope, props, {
      entry: join(import.meta.dirname, 'register-runner.lambda.ts'),
      description: 'Creates a runner in GitLab and leaves its ticket',
    });
    gitlab.grantUse(this.registerRunner);
    gitlab.grantRunnerTokens(this.registerRunner);
    tables.grantReadRunners(this.registerRunner);
    tables.grantChangeRunners(this.registerRunner);
    tables.grantAddTickets(this.registerRunner);

    this.abandonRunner = new AutoscalerFunction(scope, props, {
      entry: join(import.meta.dirname, 'abandon-runner.lambda.ts'),
      description: 'Undoes an attempt that failed',
      environment: maxAttempts,
    });
    gitlab.grantUse(this.abandonRunner);
    gitlab.grantRunnerTokens(this.abandonRunner);
    tables.grantReadRunners(this.abandonRunner);
    tables.grantAddRunners(this.abandonRunner);
    tables.grantChangeRunners(this.abandonRunner);
    tables.grantRemoveTickets(this.abandonRunner);
    grantTerminating(this.abandonRunner, deployment);
    grantDraining(this.abandonRunner, props);
    grantPutEvents(this.abandonRunner, eventBus);
  }
}
