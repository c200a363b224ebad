import { parameterNameOf } from '../infrastructure/lib/parameter-names.ts';

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
