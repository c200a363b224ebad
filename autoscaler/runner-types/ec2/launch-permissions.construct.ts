import { Stack } from 'aws-cdk-lib';
import { type IGrantable, PolicyStatement } from 'aws-cdk-lib/aws-iam';
import type { Function as LambdaFunction } from 'aws-cdk-lib/aws-lambda';
import { type Deployment, profilesOfType } from '../../../infrastructure/deployment/deployment.ts';
import { deploymentTag } from '../../../infrastructure/deployment/deployment-tag.ts';
import { acknowledgeWildcards } from '../../../infrastructure/kit/cdk/acknowledge-rules.construct.ts';
import { volumeKeyOf, volumeKeyStatements } from '../../../infrastructure/kit/cdk/volume-key.construct.ts';
import type { Ec2RunnerProfile } from './ec2-profile.construct.ts';

/**
 * What CreateFleet needs, in narrow statements: our launch templates and subnets, of ingredients what those templates
 * name, only things that carry our tag as results, tagging only while creating, and the profiles' roles to EC2 alone.
 * An instant fleet launches by RunInstances with the rights of who asked for it; only that action knows which template
 * a launch is from.
 * Source: https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazonec2.html
 */
export function grantLaunching(
  launcher: LambdaFunction & IGrantable,
  deployment: Deployment,
  profiles: readonly Ec2RunnerProfile[],
  networkSubnetIds: readonly string[],
): void {
  if (profiles.length === 0) return;
  const stack = Stack.of(launcher);
  const ec2Arn = (resource: string, resourceName = '*') => stack.formatArn({ service: 'ec2', resource, resourceName });
  const [fleet, run] = ['ec2:CreateFleet', 'ec2:RunInstances'];
  const launch = [fleet, run];
  const templates = profiles.map((profile) => ec2Arn('launch-template', profile.launchTemplateId));
  const fromOurs = { 'ec2:LaunchTemplate': templates };
  const ownSubnets = profiles.flatMap((profile) => profile.launch.subnetIds ?? networkSubnetIds);
  const subnets = [...new Set(ownSubnets)].map((id) => ec2Arn('subnet', id));
  const created = ['fleet', 'instance', 'volume', 'network-interface'].map((kind) => ec2Arn(kind));
  const spotRequests = ec2Arn('spot-instances-request');
  const tagged = { StringEquals: { [`aws:RequestTag/${deploymentTag}`]: deployment.name } };
  const ingredients = [
    `arn:${stack.partition}:ec2:${stack.region}::image/*`,
    `arn:${stack.partition}:ec2:${stack.region}::snapshot/*`,
    ec2Arn('security-group'),
  ];
  acknowledgeWildcards(
    launcher,
    'Instances run only with what our launch templates name (ec2:IsLaunchTemplateResource): which image and groups those are is said there.',
    ...ingredients,
  );
  acknowledgeWildcards(
    launcher,
    'What a launch creates has no name before: it may only be created with the tag of this deployment.',
    ...created,
    spotRequests,
  );
  const statements = [
    ...volumeKeyStatements(launcher, volumeKeysOf(deployment)),
    new PolicyStatement({ sid: 'OurLaunchTemplates', actions: launch, resources: templates }),
    new PolicyStatement({ sid: 'FleetIngredients', actions: [fleet], resources: [...ingredients, ...subnets] }),
    // What a template names may not be replaced. Source:
    // https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/ExamplePolicies_EC2.html
    new PolicyStatement({
      sid: 'IngredientsOfOurTemplates',
      actions: [run],
      resources: [...ingredients, ...keyPairs(profiles, ec2Arn)],
      conditions: { ArnEquals: fromOurs, Bool: { 'ec2:IsLaunchTemplateResource': 'true' } },
    }),
    // Each override of a fleet names a subnet, so that it is no resource of the template.
    new PolicyStatement({
      sid: 'OurSubnets',
      actions: [run],
      resources: subnets,
      conditions: { ArnEquals: fromOurs },
    }),
    new PolicyStatement({ sid: 'FleetWithOurTag', actions: [fleet], resources: created, conditions: tagged }),
    new PolicyStatement({
      sid: 'RunWithOurTag',
      actions: [run],
      resources: created,
      conditions: {
        ...tagged,
        ArnEquals: fromOurs,
        ArnEqualsIfExists: { 'ec2:InstanceProfile': profiles.map(({ instanceProfileArn }) => instanceProfileArn) },
      },
    }),
    // CreateFleet cannot tag the spot requests that it makes, so that they come without a tag if IAM looks at them at
    // all. Source: https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_CreateFleet.html (TagSpecification.N)
    new PolicyStatement({
      sid: 'SpotRequests',
      actions: launch,
      resources: [spotRequests],
      conditions: { StringEqualsIfExists: { [`aws:RequestTag/${deploymentTag}`]: deployment.name } },
    }),
    // In an account that never had a spot instance, the first one makes this role; without the right to, it is refused.
    // Source: https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/service-linked-roles-spot-instance-requests.html
    new PolicyStatement({
      sid: 'RoleOfSpot',
      actions: ['iam:CreateServiceLinkedRole'],
      resources: [
        stack.formatArn({
          service: 'iam',
          region: '',
          resource: 'role',
          resourceName: 'aws-service-role/spot.amazonaws.com/AWSServiceRoleForEC2Spot',
        }),
      ],
      conditions: { StringEquals: { 'iam:AWSServiceName': 'spot.amazonaws.com' } },
    }),
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

/** The keys of all hosts' disks. */
function volumeKeysOf(deployment: Deployment): readonly string[] {
  const keys = profilesOfType(deployment, 'EC2').map(([, profile]) => volumeKeyOf(deployment, profile));
  return [...new Set(keys.filter((key) => key !== undefined))];
}

/** A launch with a key pair is asked for that as well. */
function keyPairs(profiles: readonly Ec2RunnerProfile[], ec2Arn: (resource: string, name: string) => string): string[] {
  const names = new Set(profiles.flatMap(({ keyName }) => (keyName === undefined ? [] : [keyName])));
  return [...names].map((name) => ec2Arn('key-pair', name));
}

function parameterArn(stack: Stack, name: string): string {
  const account = name.startsWith('/aws/') ? '' : stack.account;
  return stack.formatArn({ service: 'ssm', account, resource: 'parameter', resourceName: name.slice(1) });
}
