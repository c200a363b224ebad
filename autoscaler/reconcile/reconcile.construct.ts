import { join } from 'node:path';
import type { IEventBus } from 'aws-cdk-lib/aws-events';
import { Grant } from 'aws-cdk-lib/aws-iam';
import type { Construct } from 'constructs';
import { profilesOfType } from '../../infrastructure/deployment/deployment.ts';
import { acknowledgeWildcards } from '../../infrastructure/kit/cdk/acknowledge-rules.construct.ts';
import { grantPutEvents } from '../events/event-bus.construct.ts';
import type { GitLabAccess } from '../gitlab/gitlab-access.construct.ts';
import { AutoscalerFunction, type FunctionGivens } from '../runner-store/autoscaler-function.construct.ts';
import { grantListing, grantTerminating } from '../runner-types/ec2/instance-permissions.construct.ts';
import type { LaunchQueue } from '../runner-types/ec2/launch-queue.construct.ts';
import type { Routing } from '../runner-types/routing.construct.ts';

/** It is called 43,800 times a month: memory and log lines count. It ends before the next call. */
export const reconcilerSettings = { timeoutSeconds: 55, memoryMiB: 256, quiet: true } as const;

export type ReconcileProps = FunctionGivens & {
  readonly eventBus: IEventBus;
  readonly gitlab: GitLabAccess;
  readonly routing: Routing;
  readonly launchQueue: LaunchQueue;
};

/** The function that looks at everything, and mends what nobody else would. */
export class Reconcile extends AutoscalerFunction {
  constructor(scope: Construct, props: ReconcileProps) {
    const { deployment, tables, eventBus, gitlab, routing, launchQueue } = props;
    const hasFunctions = profilesOfType(deployment, 'LAMBDA').length > 0;
    super(scope, props, {
      entry: join(import.meta.dirname, 'reconcile.lambda.ts'),
      description: 'Repairs what lost events, crashes and dead hosts left behind',
      environment: {
        MAX_ATTEMPTS: String(deployment.maxAttempts),
        PROJECTS: JSON.stringify(deployment.allowedProjects),
        PATIENCE: String(deployment.reconciler.patience),
        ...(hasFunctions ? { HAS_FUNCTIONS: 'true' } : {}),
      },
      ...reconcilerSettings,
    });
    gitlab.grantUse(this);
    routing.grantRead(this);
    tables.grantReadRunners(this);
    tables.grantAddRunners(this);
    tables.grantListTickets(this);
    tables.grantRemoveTickets(this);
    grantPutEvents(this, eventBus);
    launchQueue.grantSend(this);
    grantTerminating(this, deployment);
    grantListing(this);
    if (hasFunctions) this.#askAboutLambda();
  }

  /** The limits of the account's functions, and how many there are: nothing about any single one. */
  #askAboutLambda(): void {
    acknowledgeWildcards(this, 'The settings of an account belong to no resource; they are only read.', '*');
    Grant.addToPrincipal({ grantee: this, actions: ['lambda:GetAccountSettings'], resourceArns: ['*'] });
  }
}
