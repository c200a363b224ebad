import { Stack } from 'aws-cdk-lib';
import { type IGrantable, PolicyStatement } from 'aws-cdk-lib/aws-iam';
import type { Function as LambdaFunction } from 'aws-cdk-lib/aws-lambda';
import { acknowledgeWildcards } from '../../../infrastructure/lib/acknowledge-rules.construct.ts';
import type { Deployment } from '../../../infrastructure/lib/deployment.ts';
import { deploymentTag } from '../../../infrastructure/lib/deployment-tag.ts';
import type { Ec2RunnerProfile } from './ec2-profile.construct.ts';

/**
 * What CreateFleet needs, in five narrow statements: our launch templates, anything that can be an ingredient, only things that carry our
 * tag as results, tagging only while creating, and the profiles' roles to EC2 alone.
 * Source: https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazonec2.html
 */
export function grantLaunching(
  launcher: LambdaFunction & IGrantable,
  deployment: Deployment,
  profiles: readonly Ec2RunnerProfile[],
): void {
  if (profiles.length === 0) return;
  const stack = Stack.of(launcher);
  const ec2Arn = (resource: string, resourceName = '*') => stack.formatArn({ service: 'ec2', resource, resourceName });
  const launch = ['ec2:CreateFleet', 'ec2:RunInstances'];
  const created = ['fleet', 'instance', 'volume', 'network-interface', 'spot-instances-request'].map((kind) =>
    ec2Arn(kind),
  );
  const tagged = { StringEquals: { [`aws:RequestTag/${deploymentTag}`]: deployment.name } };
  const ingredients = [
    `arn:${stack.partition}:ec2:${stack.region}::image/*`,
    `arn:${stack.partition}:ec2:${stack.region}::snapshot/*`,
    ...['subnet', 'security-group'].map((kind) => ec2Arn(kind)),
  ];
  acknowledgeWildcards(
    launcher,
    'What a launch template names: which image, subnet or group that is, is said by the template, and those are ours alone.',
    ...ingredients,
  );
  acknowledgeWildcards(
    launcher,
    'What a launch creates has no name before: it may only be created with the tag of this deployment.',
    ...created,
  );
  const statements = [
    new PolicyStatement({
      sid: 'OurLaunchTemplates',
      actions: launch,
      resources: profiles.map((profile) => ec2Arn('launch-template', profile.launchTemplateId)),
    }),
    new PolicyStatement({
      sid: 'Ingredients',
      actions: launch,
      resources: ingredients,
    }),
    new PolicyStatement({ sid: 'WithOurTag', actions: launch, resources: created, conditions: tagged }),
    new PolicyStatement({
      sid: 'TagWhileCreating',
      actions: ['ec2:CreateTags'],
      resources: created,
      conditions: { StringEquals: { 'ec2:CreateAction': ['CreateFleet', 'RunInstances'] } },
    }),
    new PolicyStatement({
      sid: 'ImageIdFromParameter',
      actions: ['ssm:GetParameters'],
      resources: [...new Set(profiles.map(({ imageParameter }) => parameterArn(stack, imageParameter)))],
    }),
    new PolicyStatement({
      sid: 'RolesOfProfiles',
      actions: ['iam:PassRole'],
      resources: profiles.map(({ role }) => role.roleArn),
      conditions: { StringEquals: { 'iam:PassedToService': 'ec2.amazonaws.com' } },
    }),
  ];
  for (const statement of statements) launcher.addToRolePolicy(statement);
}

function parameterArn(stack: Stack, name: string): string {
  const account = name.startsWith('/aws/') ? '' : stack.account;
  return stack.formatArn({ service: 'ssm', account, resource: 'parameter', resourceName: name.slice(1) });
}
