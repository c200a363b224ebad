import { join } from 'node:path';
import type { IEventBus } from 'aws-cdk-lib/aws-events';
import type { Construct } from 'constructs';
import { grantPutEvents } from '../events/event-bus.construct.ts';
import type { GitLabAccess } from '../gitlab/gitlab-access.construct.ts';
import { AutoscalerFunction, type FunctionGivens } from '../runner-store/autoscaler-function.construct.ts';
import type { Routing } from '../runner-types/routing.construct.ts';

export type BindRunnerProps = FunctionGivens & {
  readonly eventBus: IEventBus;
  readonly gitlab: GitLabAccess;
  readonly routing: Routing;
};

/** The function that notes which job a runner took. */
export class BindRunner extends AutoscalerFunction {
  constructor(scope: Construct, props: BindRunnerProps) {
    super(scope, props, {
      entry: join(import.meta.dirname, 'bind-runner.lambda.ts'),
      description: 'Notes which job a runner took',
    });
    const { tables, eventBus, gitlab, routing } = props;
    tables.grantReadRunners(this);
    tables.grantChangeRunners(this);
    // Of a job that our table does not know, GitLab says the tags, and the mappings whether it is in the right place.
    gitlab.grantUse(this);
    routing.grantRead(this);
    gitlab.askWhichHost(this);
    grantPutEvents(this, eventBus);
  }
}
