import { ArnFormat, Stack } from 'aws-cdk-lib';
import { PolicyStatement, Role, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import type { ILogGroup } from 'aws-cdk-lib/aws-logs';
import type { Construct } from 'constructs';
import { cachePrefixOf } from '../../../infrastructure/deployment/checks/caches.ts';
import type { Ec2Profile } from '../../../infrastructure/deployment/profiles/ec2-profile.ts';
import { registryStatementsOf } from '../../../infrastructure/deployment/profiles/registries.ts';
import { acknowledgeWildcards } from '../../../infrastructure/kit/cdk/acknowledge-rules.construct.ts';
import { runnerRightsOf } from '../../../infrastructure/kit/cdk/runner-role.construct.ts';
import { rightsOfInstance, type TicketTables } from '../../runner-store/ticket-rights.construct.ts';

export type HostRoleProps = {
  readonly name: string;
  readonly profile: Ec2Profile;
  readonly tickets: TicketTables;
  /** Where the hosts' own logs go. */
  readonly logGroup: ILogGroup;
};

/** The role of a profile's hosts: to claim a ticket and write logs, and what the profile asks for. */
export function hostRole(scope: Construct, props: HostRoleProps, cacheBucketName: string | undefined): Role {
  const { name, profile, tickets, logGroup } = props;
  const rights = runnerRightsOf(scope, profile);
  const role = new Role(scope, 'Role', {
    assumedBy: new ServicePrincipal('ec2.amazonaws.com'),
    description: `Runner instances of profile ${name}: each may claim its own ticket`,
    ...rights.role,
  });
  for (const statement of rightsOfInstance(tickets)) role.addToPolicy(statement);
  for (const statement of logRightsOf(scope, name, logGroup)) role.addToPolicy(statement);
  for (const statement of registryRightsOf(scope, profile)) role.addToPolicy(statement);
  if (profile.cache && cacheBucketName) {
    const prefix = cachePrefixOf(name, profile);
    for (const statement of cacheRightsOf(scope, cacheBucketName, prefix)) role.addToPolicy(statement);
  }
  if (profile.sessionManager) allowSessions(scope, role);
  for (const statement of rights.statements) role.addToPolicy(statement);
  return role;
}

/**
 * To add to the streams of its own profile, and neither to read nor to remove what hosts have written. Nearer than
 * the profile IAM cannot go: what tells one instance of a role from another (`aws:userid`, `ec2:SourceInstanceARN`)
 * has colons, and names of streams have none. Streams are made in a group, whatever their names.
 * Source: https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazoncloudwatchlogs.html
 */
function logRightsOf(scope: Construct, name: string, { logGroupArn, logGroupName }: ILogGroup): PolicyStatement[] {
  const arnFormat = ArnFormat.COLON_RESOURCE_NAME;
  const group = Stack.of(scope).formatArn({
    service: 'logs',
    resource: 'log-group',
    resourceName: logGroupName,
    arnFormat,
  });
  const streams = `${group}:log-stream:${logPrefixOf(name)}*`;
  acknowledgeWildcards(scope, 'Streams have the names of instances, behind that of their profile.', streams);
  return [
    new PolicyStatement({ actions: ['logs:CreateLogStream'], resources: [logGroupArn] }),
    new PolicyStatement({ actions: ['logs:PutLogEvents'], resources: [streams] }),
  ];
}

/**
 * What the agent needs to be reached, and no more: AWS's own policy for it (AmazonSSMManagedInstanceCore) lets jobs
 * read every SSM parameter of the account, too.
 * Source: https://docs.aws.amazon.com/systems-manager/latest/userguide/getting-started-create-iam-instance-profile.html
 */
function allowSessions(scope: Construct, role: Role): void {
  const actions = [
    'ssm:UpdateInstanceInformation',
    'ssmmessages:CreateControlChannel',
    'ssmmessages:CreateDataChannel',
    'ssmmessages:OpenControlChannel',
    'ssmmessages:OpenDataChannel',
  ];
  acknowledgeWildcards(scope, 'These actions of the Session Manager agent know no resources.', '*');
  role.addToPolicy(new PolicyStatement({ actions, resources: ['*'] }));
}

function registryRightsOf(scope: Construct, { registries }: Ec2Profile): PolicyStatement[] {
  const statements = registryStatementsOf(registries, Stack.of(scope).partition);
  const wildcards = statements.flatMap(({ resources }) => resources.filter((resource) => resource.includes('*')));
  acknowledgeWildcards(
    scope,
    "ECR's login knows no resources, and of whole registries the profile names no repositories.",
    ...wildcards,
  );
  return statements.map((statement) => new PolicyStatement(statement));
}

/** Without the right to list, S3 answers 403 to what is not there, and gitlab-runner takes that for a fault. */
function cacheRightsOf(scope: Construct, bucketName: string, prefix: string): PolicyStatement[] {
  const bucketArn = Stack.of(scope).formatArn({ service: 's3', region: '', account: '', resource: bucketName });
  const caches = `${bucketArn}/${prefix}/*`;
  acknowledgeWildcards(
    scope,
    'Jobs name their caches themselves; the prefix keeps them to those of their profile.',
    caches,
  );
  return [
    new PolicyStatement({ actions: ['s3:GetObject', 's3:PutObject'], resources: [caches] }),
    new PolicyStatement({
      actions: ['s3:ListBucket'],
      resources: [bucketArn],
      conditions: { StringLike: { 's3:prefix': `${prefix}/*` } },
    }),
  ];
}

/** Of the streams of a profile's hosts, so that IAM tells them from those of others. */
export function logPrefixOf(profileName: string): string {
  return `${profileName}/`;
}
