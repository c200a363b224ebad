import { CustomResource, Duration, type Stack } from 'aws-cdk-lib';
import { CfnRule } from 'aws-cdk-lib/aws-events';
import type { Function as LambdaFunction } from 'aws-cdk-lib/aws-lambda';
import { CfnEventSourceMapping } from 'aws-cdk-lib/aws-lambda';
import { CfnSchedule } from 'aws-cdk-lib/aws-scheduler';
import { Construct, type IConstruct } from 'constructs';

/** Lambda's own limit: the largest instances take minutes to end. */
export const removalTimeoutSeconds = 900;

export type RunnerRemovalProps = {
  readonly removeRunners: LambdaFunction;
  /** What runners and the removal itself need: it is deleted after the runners are gone. */
  readonly needs: readonly IConstruct[];
};

/**
 * The custom resource that ends every runner of the deployment before CloudFormation takes away what they stand on.
 * CloudFormation deletes in the opposite order of dependencies: first the triggers, which depend on this; then this;
 * then what this depends on.
 */
export class RunnerRemoval extends Construct {
  readonly resource: CustomResource;

  constructor(scope: Construct, id: string, { removeRunners, needs }: RunnerRemovalProps) {
    super(scope, id);
    this.resource = new CustomResource(this, 'Resource', {
      resourceType: 'Custom::RunnerRemoval',
      serviceToken: removeRunners.functionArn,
      // A removal that could not answer must not hold the stack for CloudFormation's own hour.
      serviceTimeout: Duration.seconds(removalTimeoutSeconds + 60),
    });
    this.resource.node.addDependency(...needs);
  }

  /**
   * Makes every trigger of a stack depend on the removal, so that nothing starts a runner while it works. To be called
   * last.
   */
  outlive(stack: Stack): void {
    for (const child of stack.node.findAll()) {
      const isTrigger =
        child instanceof CfnRule || child instanceof CfnEventSourceMapping || child instanceof CfnSchedule;
      if (isTrigger) child.node.addDependency(this.resource);
    }
  }
}
