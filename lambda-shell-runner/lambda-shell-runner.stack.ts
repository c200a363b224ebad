import { CfnWaitConditionHandle, Stack, type StackProps } from 'aws-cdk-lib';
import { EventBus } from 'aws-cdk-lib/aws-events';
import { StringParameter } from 'aws-cdk-lib/aws-ssm';
import type { Construct } from 'constructs';
import { type Deployment, profilesOfType } from '../infrastructure/deployment/deployment.ts';
import { infrastructureParameters } from '../infrastructure/exports.ts';
import { GitLabTrust } from '../infrastructure/gitlab/gitlab-trust.construct.ts';
import { lambdaRunnerParameters } from './exports.ts';
import { ShellRunnerFunction } from './shell-runner-function.construct.ts';

export type LambdaShellRunnerStackProps = StackProps & { readonly deployment: Deployment };

/** One function for each LAMBDA profile of the deployment, and the parameters by which the autoscaler finds them. */
export class LambdaShellRunnerStack extends Stack {
  constructor(scope: Construct, id: string, { deployment, ...props }: LambdaShellRunnerStackProps) {
    super(scope, id, { description: 'GitLab runners that are Lambda functions', ...props });
    const profiles = profilesOfType(deployment, 'LAMBDA');
    if (profiles.length === 0) {
      // CloudFormation refuses a stack without resources; this one is nothing.
      new CfnWaitConditionHandle(this, 'NoLambdaProfile');
      return;
    }
    const { eventBusArn } = infrastructureParameters(deployment.name);
    const eventBus = EventBus.fromEventBusArn(
      this,
      'EventBus',
      StringParameter.valueForStringParameter(this, eventBusArn),
    );
    const { gitlab } = deployment;
    const { caCertificates } = gitlab;
    const hasBundle = profiles.some(([, { packaging }]) => packaging === 'zip');
    const trust = caCertificates && hasBundle ? new GitLabTrust(this, 'GitLabTrust', caCertificates) : undefined;
    for (const [name, profile] of profiles) {
      const runner = new ShellRunnerFunction(this, `Runner-${name}`, {
        profileName: name,
        profile,
        eventBus,
        gitlab,
        trust,
      });
      const { functionArn, roleArn } = lambdaRunnerParameters(deployment.name, name);
      this.publish(`FunctionArn-${name}`, functionArn, runner.function.functionArn);
      this.publish(`RoleArn-${name}`, roleArn, runner.role.roleArn);
    }
  }

  private publish(id: string, parameterName: string, stringValue: string): void {
    new StringParameter(this, id, { parameterName, stringValue });
  }
}
