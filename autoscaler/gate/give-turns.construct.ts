import { join } from 'node:path';
import type { IEventBus } from 'aws-cdk-lib/aws-events';
import type { Construct } from 'constructs';
import { grantPutEvents } from '../events/event-bus.construct.ts';
import type { GitLabAccess } from '../gitlab/gitlab-access.construct.ts';
import { AutoscalerFunction, type FunctionGivens } from '../runner-store/autoscaler-function.construct.ts';
import type { Routing } from '../runner-types/routing.construct.ts';

export type GiveTurnsProps = FunctionGivens & {
  readonly eventBus: IEventBus;
  readonly gitlab: GitLabAccess;
  readonly routing: Routing;
};

/** The gate: the function that decides whose turn it is, and hands out tickets or takes them back. */
export class GiveTurns extends AutoscalerFunction {
  constructor(scope: Construct, props: GiveTurnsProps) {
    super(scope, props, {
      entry: join(import.meta.dirname, 'give-turns.lambda.ts'),
      description: 'Decides which runners may ask GitLab for a job',
    });
    const { tables, eventBus, gitlab, routing } = props;
    routing.grantChoose(this);
    gitlab.grantUse(this);
    tables.grantReadRunners(this);
    tables.grantAddRunners(this);
    tables.grantChangeRunners(this);
    tables.grantMoveTickets(this);
    grantPutEvents(this, eventBus);
  }
}
