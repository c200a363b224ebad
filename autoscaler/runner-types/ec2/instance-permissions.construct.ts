import { Stack } from 'aws-cdk-lib';
import { PolicyStatement } from 'aws-cdk-lib/aws-iam';
import type { Function as LambdaFunction } from 'aws-cdk-lib/aws-lambda';
import type { Deployment } from '../../../infrastructure/deployment/deployment.ts';
import { deploymentTag } from '../../../infrastructure/deployment/deployment-tag.ts';
import { acknowledgeWildcards } from '../../../infrastructure/kit/cdk/acknowledge-rules.construct.ts';
import { jobTagKeys } from './instance-tags.ts';

/** EC2 knows no resources for its lists. */
export function grantListing(lambda: LambdaFunction): void {
  acknowledgeWildcards(
    lambda,
    'EC2 lists all instances or none: it only tells those with our tag, since we ask so.',
    '*',
  );
  lambda.addToRolePolicy(
    new PolicyStatement({ sid: 'ListInstances', actions: ['ec2:DescribeInstances'], resources: ['*'] }),
  );
}

/** Only instances that carry this deployment's tag. */
export function grantTerminating(lambda: LambdaFunction, deployment: Deployment): void {
  const instances = anyInstance(lambda);
  acknowledgeWildcards(
    lambda,
    'Instances come and go: only those with the tag of this deployment may be terminated.',
    instances,
  );
  lambda.addToRolePolicy(
    new PolicyStatement({
      actions: ['ec2:TerminateInstances'],
      resources: [instances],
      conditions: { StringEquals: { [`aws:ResourceTag/${deploymentTag}`]: deployment.name } },
    }),
  );
}

/** What tagging instances afterwards needs: the jobs' tags, and no other, on instances of this deployment. */
export function grantTagging(tagger: LambdaFunction, deployment: Deployment): void {
  const instances = anyInstance(tagger);
  acknowledgeWildcards(
    tagger,
    'Instances come and go: only those with the tag of this deployment may be tagged, and only with the tags of a job.',
    instances,
  );
  tagger.addToRolePolicy(
    new PolicyStatement({
      actions: ['ec2:CreateTags'],
      resources: [instances],
      conditions: {
        StringEquals: { [`aws:ResourceTag/${deploymentTag}`]: deployment.name },
        'ForAllValues:StringEquals': { 'aws:TagKeys': [...jobTagKeys] },
        // Without any key, ForAllValues holds.
        Null: { 'aws:TagKeys': 'false' },
      },
    }),
  );
}

function anyInstance(lambda: LambdaFunction): string {
  return Stack.of(lambda).formatArn({ service: 'ec2', resource: 'instance', resourceName: '*' });
}
