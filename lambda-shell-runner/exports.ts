import { parameterNameOf } from '../infrastructure/kit/cdk/parameter-names.ts';

/** Names of the SSM parameters that the Lambda shell runner app publishes for one LAMBDA profile. */
export function lambdaRunnerParameters(deployment: string, profile: string) {
  const name = (key: string) => parameterNameOf(deployment, 'lambda-shell-runner', `${profile}/${key}`);
  return {
    /** ARN of the function that runs one job per invocation. */
    functionArn: name('function-arn'),
    /** ARN of that function's execution role, to which the autoscaler adds the right to claim tickets. */
    roleArn: name('role-arn'),
  };
}

/**
 * Errors (`runner-errors.ts`) of a function whose runner GitLab did not answer: nothing is wrong with the runner, or
 * with its job.
 */
export const gitlabErrors = ['GitLabUnreachableError'] as const;
/** Errors of a function that could not get from AWS what its runner needs: the runner was not started. */
export const awsErrors = ['TicketNotClaimedError', 'JobRoleNotAssumedError'] as const;
