import { join } from 'node:path';
import type { Construct } from 'constructs';
import type { GitLabAccess } from '../gitlab/gitlab-access.construct.ts';
import { AutoscalerFunction, type FunctionGivens } from '../runner-store/autoscaler-function.construct.ts';
import { grantListing, grantTerminating } from '../runner-types/ec2/instance-permissions.construct.ts';
import { removalTimeoutSeconds } from './runner-removal.construct.ts';

/** The function that leaves nothing behind when the stack is destroyed. */
export class RemoveRunners extends AutoscalerFunction {
  constructor(scope: Construct, props: FunctionGivens & { readonly gitlab: GitLabAccess }) {
    super(scope, props, {
      entry: join(import.meta.dirname, 'remove-runners.lambda.ts'),
      description: 'Ends every instance and GitLab runner when the stack is destroyed',
      timeoutSeconds: removalTimeoutSeconds,
      // Its log is the only place that says what is left in GitLab when all else is gone.
      logOutlivesStack: true,
    });
    props.gitlab.grantUse(this);
    props.tables.grantFindRunners(this);
    grantTerminating(this, props.deployment);
    grantListing(this);
  }
}
