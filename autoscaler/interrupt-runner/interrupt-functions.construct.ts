import { join } from 'node:path';
import type { Construct } from 'constructs';
import type { Deployment } from '../../infrastructure/deployment/deployment.ts';
import { retriedProfilesOf } from '../environment/retried-profiles.ts';
import type { GitLabAccess } from '../gitlab/gitlab-access.construct.ts';
import { AutoscalerFunction, type FunctionGivens } from '../runner-store/autoscaler-function.construct.ts';
import { grantListing } from '../runner-types/ec2/instance-permissions.construct.ts';

export type InterruptFunctionsProps = FunctionGivens & { readonly gitlab: GitLabAccess };

/** The functions that find a runner which is to end although no job's event says so, and that mend its job. */
export class InterruptFunctions {
  readonly findInterruptedRunner: AutoscalerFunction;
  readonly mendJob: AutoscalerFunction;

  constructor(scope: Construct, props: InterruptFunctionsProps) {
    const { deployment, tables, gitlab } = props;

    this.findInterruptedRunner = new AutoscalerFunction(scope, props, {
      entry: join(import.meta.dirname, 'find-interrupted-runner.lambda.ts'),
      description: 'Finds the runner on an instance that EC2 takes back, or that ended',
    });
    tables.grantReadRunners(this.findInterruptedRunner);
    tables.grantChangeRunners(this.findInterruptedRunner);
    // Why an instance died before it took a job, EC2 alone knows.
    grantListing(this.findInterruptedRunner);

    this.mendJob = new AutoscalerFunction(scope, props, {
      entry: join(import.meta.dirname, 'mend-job.lambda.ts'),
      description: 'Ends or retries the job of an interrupted or wrong runner',
      environment: {
        RETRIED_PROFILES: JSON.stringify(retriedProfilesOf(deployment)),
        MISPLACED_RETRIED_PROFILES: JSON.stringify(misplacedRetriedProfilesOf(deployment)),
      },
    });
    gitlab.grantUse(this.mendJob);
    tables.grantReadRunners(this.mendJob);
    tables.grantChangeRunners(this.mendJob);
  }
}

/** Profiles whose jobs are retried when they failed on a runner of another one. */
function misplacedRetriedProfilesOf({ profiles }: Deployment): readonly string[] {
  return Object.entries(profiles).flatMap(([name, { retryMisplaced }]) => (retryMisplaced ? [name] : []));
}
