import { join } from 'node:path';
import { CustomResource, Duration, Stack } from 'aws-cdk-lib';
import { PolicyStatement } from 'aws-cdk-lib/aws-iam';
import { Construct } from 'constructs';
import { deploymentTag } from '../infrastructure/deployment/deployment-tag.ts';
import { acknowledgeWildcards } from '../infrastructure/kit/cdk/acknowledge-rules.construct.ts';
import { BundledFunction } from '../infrastructure/kit/cdk/bundled-function.construct.ts';

const longestSeconds = 300;

export type ImageRemovalProps = { readonly deployment: string; readonly imageParameterNames: readonly string[] };

/**
 * With it, destroying the stack leaves no image, snapshot or parameter. Pipelines must depend on it, so that none
 * builds on behind it.
 */
export class ImageRemoval extends Construct {
  constructor(scope: Construct, id: string, { deployment, imageParameterNames }: ImageRemovalProps) {
    super(scope, id);
    const handler = new BundledFunction(this, 'RemoveImages', {
      entry: join(import.meta.dirname, 'remove-images.lambda.ts'),
      description: 'Removes the runner images when the stack is destroyed',
      environment: { DEPLOYMENT: deployment, IMAGE_PARAMETERS: imageParameterNames.join(',') },
      timeoutSeconds: longestSeconds,
    });
    const stack = Stack.of(this);
    const ec2Arn = (resource: string) => stack.formatArn({ service: 'ec2', account: '', resource, resourceName: '*' });
    const parameters = imageParameterNames.map((name) =>
      stack.formatArn({ service: 'ssm', resource: 'parameter', resourceName: name.replace(/^\//, '') }),
    );
    for (const statement of [
      new PolicyStatement({ actions: ['ec2:DescribeImages'], resources: ['*'] }),
      new PolicyStatement({
        actions: ['ec2:DeregisterImage'],
        resources: [ec2Arn('image')],
        conditions: { StringEquals: { [`aws:ResourceTag/${deploymentTag}`]: deployment } },
      }),
      new PolicyStatement({
        actions: ['ec2:DeleteSnapshot'],
        resources: [ec2Arn('snapshot')],
        // Image Builder's own tag, which it gives to snapshots too.
        conditions: { StringEquals: { 'aws:ResourceTag/CreatedBy': 'EC2 Image Builder' } },
      }),
      new PolicyStatement({ actions: ['ssm:DeleteParameters'], resources: parameters }),
      new PolicyStatement({ actions: ['cloudformation:DescribeStacks'], resources: [stack.stackId] }),
    ]) {
      handler.addToRolePolicy(statement);
    }
    const reason =
      'Images and snapshots have no names that could be known before; conditions on their tags choose them.';
    acknowledgeWildcards(this, reason, '*', ec2Arn('image'), ec2Arn('snapshot'));
    const resource = new CustomResource(this, 'Images', {
      serviceToken: handler.functionArn,
      resourceType: 'Custom::RunnerImages',
      serviceTimeout: Duration.seconds(longestSeconds + 60),
    });
    // The function with its rights, and its log, must be there longer than what calls it.
    resource.node.addDependency(handler);
  }
}
