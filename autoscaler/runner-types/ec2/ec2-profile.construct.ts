import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { ArnFormat, Fn, Stack, Tags } from 'aws-cdk-lib';
import { CfnLaunchTemplate, CfnSecurityGroup } from 'aws-cdk-lib/aws-ec2';
import { CfnInstanceProfile, PolicyStatement, Role, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import type { ILogGroup } from 'aws-cdk-lib/aws-logs';
import { Construct } from 'constructs';
import { amiParameters } from '../../../ec2-runner-ami/exports.ts';
import { cachePrefixOf } from '../../../infrastructure/deployment/checks/caches.ts';
import { launchEntryOf } from '../../../infrastructure/deployment/checks/lambda-environment.ts';
import type { Deployment } from '../../../infrastructure/deployment/deployment.ts';
import { deploymentTag } from '../../../infrastructure/deployment/deployment-tag.ts';
import type { Ec2Profile } from '../../../infrastructure/deployment/profiles/ec2-profile.ts';
import { registryStatementsOf } from '../../../infrastructure/deployment/profiles/registries.ts';
import { infrastructureParameters } from '../../../infrastructure/exports.ts';
import { acknowledgeWildcards } from '../../../infrastructure/kit/cdk/acknowledge-rules.construct.ts';
import { runnerRightsOf } from '../../../infrastructure/kit/cdk/runner-role.construct.ts';
import { volumeKeyOf } from '../../../infrastructure/kit/cdk/volume-key.construct.ts';
import { rightsOfInstance, type TicketTables } from '../../runner-store/ticket-rights.construct.ts';
import { bootSettingsOf, renderBootScript } from './boot-script.ts';
import { profileTag } from './instance-tags.ts';
import type { LaunchProfile } from './launch-environment.ts';

export type Ec2ProfileProps = {
  readonly deployment: Deployment;
  readonly name: string;
  readonly profile: Ec2Profile;
  readonly tickets: TicketTables;
  /** Where the hosts' own logs go. */
  readonly logGroup: ILogGroup;
  /** The value of another app's SSM parameter. */
  readonly parameterValue: (parameterName: string) => string;
};

/** What a profile of type EC2 needs on AWS: a role, an instance profile and a launch template whose user data is the static boot script. */
export class Ec2RunnerProfile extends Construct {
  readonly role: Role;
  readonly launch: LaunchProfile;
  readonly imageParameter: string;
  readonly launchTemplateId: string;
  readonly instanceProfileArn: string;
  readonly keyName: string | undefined;

  constructor(scope: Construct, id: string, props: Ec2ProfileProps) {
    super(scope, id);
    const { deployment, profile, name, parameterValue } = props;
    const given = infrastructureParameters(deployment.name);
    const cacheBucketName = profile.cache && parameterValue(given.cacheBucketName);
    this.role = this.createRole(props, cacheBucketName);
    const instanceProfile = new CfnInstanceProfile(this, 'InstanceProfile', { roles: [this.role.roleName] });
    this.instanceProfileArn = instanceProfile.attrArn;
    this.imageParameter = profile.imageParameter ?? amiParameters(deployment.name, profile.architecture).imageId;
    const tags = { ...deployment.resourceTags, ...profile.resourceTags };
    const instanceTags = {
      Name: `${deployment.name} ${name} runner`,
      ...tags,
      [deploymentTag]: deployment.name,
      [profileTag]: name,
    };
    const template = new CfnLaunchTemplate(this, 'LaunchTemplate', {
      launchTemplateData: {
        imageId: `resolve:ssm:${this.imageParameter}`,
        iamInstanceProfile: { arn: instanceProfile.attrArn },
        instanceInitiatedShutdownBehavior: 'terminate',
        securityGroupIds: this.securityGroupIdsOf(props),
        ...(profile.ssh ? { keyName: profile.ssh.keyName } : {}),
        metadataOptions: { httpTokens: 'required', httpPutResponseHopLimit: 1, httpEndpoint: 'enabled' },
        blockDeviceMappings: [rootVolumeOf(profile, volumeKeyOf(deployment, profile))],
        userData: Fn.base64(this.bootScriptOf(props, cacheBucketName)),
        tagSpecifications: ['instance', 'volume', 'network-interface'].map((resourceType) => ({
          resourceType,
          tags: tagListOf(instanceTags),
        })),
      },
      // CDK's own way, `Tags.of`, does nothing to a launch template.
      tagSpecifications: [
        { resourceType: 'launch-template', tags: tagListOf({ ...tags, [deploymentTag]: deployment.name }) },
      ],
    });
    for (const [key, value] of Object.entries(profile.resourceTags)) Tags.of(this).add(key, value);
    this.launchTemplateId = template.ref;
    this.keyName = profile.ssh?.keyName;
    this.launch = launchEntryOf(profile, {
      launchTemplateId: template.ref,
      launchTemplateVersion: template.attrLatestVersionNumber,
      hostRoleId: this.role.roleId,
    });
  }

  private createRole(props: Ec2ProfileProps, cacheBucketName: string | undefined): Role {
    const { name, profile, tickets, logGroup } = props;
    const rights = runnerRightsOf(this, profile);
    const role = new Role(this, 'Role', {
      assumedBy: new ServicePrincipal('ec2.amazonaws.com'),
      description: `Runner instances of profile ${name}: each may claim its own ticket`,
      ...rights.role,
    });
    for (const statement of rightsOfInstance(tickets)) role.addToPolicy(statement);
    for (const statement of this.logRightsOf(name, logGroup)) role.addToPolicy(statement);
    for (const statement of this.registryRightsOf(profile)) role.addToPolicy(statement);
    if (profile.cache && cacheBucketName) {
      const prefix = cachePrefixOf(name, profile);
      for (const statement of this.cacheRightsOf(cacheBucketName, prefix)) role.addToPolicy(statement);
    }
    if (profile.sessionManager) this.allowSessions(role);
    for (const statement of rights.statements) role.addToPolicy(statement);
    return role;
  }

  /**
   * To add to the streams of its own profile, and neither to read nor to remove what hosts have written. Nearer than
   * the profile IAM cannot go: what tells one instance of a role from another (`aws:userid`, `ec2:SourceInstanceARN`)
   * has colons, and names of streams have none. Streams are made in a group, whatever their names.
   * Source: https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazoncloudwatchlogs.html
   */
  private logRightsOf(name: string, { logGroupArn, logGroupName }: ILogGroup): PolicyStatement[] {
    const arnFormat = ArnFormat.COLON_RESOURCE_NAME;
    const group = Stack.of(this).formatArn({
      service: 'logs',
      resource: 'log-group',
      resourceName: logGroupName,
      arnFormat,
    });
    const streams = `${group}:log-stream:${logPrefixOf(name)}*`;
    acknowledgeWildcards(this, 'Streams have the names of instances, behind that of their profile.', streams);
    return [
      new PolicyStatement({ actions: ['logs:CreateLogStream'], resources: [logGroupArn] }),
      new PolicyStatement({ actions: ['logs:PutLogEvents'], resources: [streams] }),
    ];
  }

  /**
   * What the agent needs to be reached, and no more: AWS's own policy for it (AmazonSSMManagedInstanceCore) lets jobs read every SSM parameter of
   * the account, too. Source: https://docs.aws.amazon.com/systems-manager/latest/userguide/getting-started-create-iam-instance-profile.html
   */
  private allowSessions(role: Role): void {
    const actions = [
      'ssm:UpdateInstanceInformation',
      'ssmmessages:CreateControlChannel',
      'ssmmessages:CreateDataChannel',
      'ssmmessages:OpenControlChannel',
      'ssmmessages:OpenDataChannel',
    ];
    acknowledgeWildcards(this, 'These actions of the Session Manager agent know no resources.', '*');
    role.addToPolicy(new PolicyStatement({ actions, resources: ['*'] }));
  }

  private registryRightsOf({ registries }: Ec2Profile): PolicyStatement[] {
    const statements = registryStatementsOf(registries, Stack.of(this).partition);
    const wildcards = statements.flatMap(({ resources }) => resources.filter((resource) => resource.includes('*')));
    acknowledgeWildcards(
      this,
      "ECR's login knows no resources, and of whole registries the profile names no repositories.",
      ...wildcards,
    );
    return statements.map((statement) => new PolicyStatement(statement));
  }

  /** Without the right to list, S3 answers 403 to what is not there, and gitlab-runner takes that for a fault. */
  private cacheRightsOf(bucketName: string, prefix: string): PolicyStatement[] {
    const bucketArn = Stack.of(this).formatArn({ service: 's3', region: '', account: '', resource: bucketName });
    const caches = `${bucketArn}/${prefix}/*`;
    acknowledgeWildcards(
      this,
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

  /** The profile's groups or else the network's, which let nothing in, and with `ssh` one that lets SSH in. */
  private securityGroupIdsOf({ deployment, name, profile, parameterValue }: Ec2ProfileProps): string[] {
    const given = infrastructureParameters(deployment.name);
    const { ssh } = profile;
    if (!ssh) return profile.securityGroupIds ?? Fn.split(',', parameterValue(given.securityGroupIds));
    const group = new CfnSecurityGroup(this, 'Ssh', {
      groupDescription: `GitLab runners of profile ${name}: SSH comes in`,
      vpcId: parameterValue(given.vpcId),
      securityGroupIngress: ssh.cidrs.map((cidrIp) => ({ ipProtocol: 'tcp', fromPort: 22, toPort: 22, cidrIp })),
    });
    if (profile.securityGroupIds) return [...profile.securityGroupIds, group.attrGroupId];
    return Fn.split(',', Fn.join(',', [parameterValue(given.securityGroupIds), group.attrGroupId]));
  }

  private bootScriptOf(props: Ec2ProfileProps, cacheBucketName: string | undefined): string {
    const { region } = Stack.of(this);
    const prefix = cachePrefixOf(props.name, props.profile);
    const settings = bootSettingsOf(props.deployment, props.profile, {
      ticketsTable: props.tickets.claimable.tableName,
      roleId: this.role.roleId,
      region,
      logGroup: props.logGroup.logGroupName,
      logPrefix: logPrefixOf(props.name),
      ...(cacheBucketName ? { cacheBucket: { name: cacheBucketName, region, prefix } } : {}),
    });
    return renderBootScript(readFileSync(join(import.meta.dirname, 'boot.sh'), 'utf8'), settings);
  }
}

/** Of the streams of a profile's hosts, so that IAM tells them from those of others. */
function logPrefixOf(profileName: string): string {
  return `${profileName}/`;
}

function tagListOf(tags: Readonly<Record<string, string>>) {
  return Object.entries(tags).map(([key, value]) => ({ key, value }));
}

function rootVolumeOf(
  { volume }: Ec2Profile,
  kmsKeyId: string | undefined,
): CfnLaunchTemplate.BlockDeviceMappingProperty {
  const { deviceName, sizeGiB, iops, throughputMiBps } = volume;
  return {
    deviceName,
    ebs: {
      volumeType: 'gp3',
      volumeSize: sizeGiB,
      ...(iops === undefined ? {} : { iops }),
      ...(throughputMiBps === undefined ? {} : { throughput: throughputMiBps }),
      encrypted: true,
      ...(kmsKeyId === undefined ? {} : { kmsKeyId }),
      deleteOnTermination: true,
    },
  };
}
