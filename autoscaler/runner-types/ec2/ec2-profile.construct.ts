import { Fn, Stack, Tags } from 'aws-cdk-lib';
import { CfnLaunchTemplate, CfnSecurityGroup } from 'aws-cdk-lib/aws-ec2';
import { CfnInstanceProfile, type Role } from 'aws-cdk-lib/aws-iam';
import { Construct } from 'constructs';
import { amiParameters } from '../../../ec2-runner-ami/exports.ts';
import { cachePrefixOf } from '../../../infrastructure/deployment/checks/caches.ts';
import { launchEntryOf } from '../../../infrastructure/deployment/checks/lambda-environment.ts';
import type { Deployment } from '../../../infrastructure/deployment/deployment.ts';
import { deploymentTag } from '../../../infrastructure/deployment/deployment-tag.ts';
import type { Ec2Profile } from '../../../infrastructure/deployment/profiles/ec2-profile.ts';
import { infrastructureParameters } from '../../../infrastructure/exports.ts';
import { volumeKeyOf } from '../../../infrastructure/kit/cdk/volume-key.construct.ts';
import { bootSettingsOf, renderBootScript } from './boot-script.ts';
import { readBootSource } from './boot-source.construct.ts';
import { type HostRoleProps, hostRole, logPrefixOf } from './host-role.construct.ts';
import { profileTag } from './instance-tags.ts';
import type { LaunchProfile } from './launch-environment.ts';

export type Ec2ProfileProps = HostRoleProps & {
  readonly deployment: Deployment;
  /** The value of another app's SSM parameter. */
  readonly parameterValue: (parameterName: string) => string;
};

/**
 * What a profile of type EC2 needs on AWS: a role, an instance profile and a launch template whose user data is the
 * static boot script.
 */
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
    this.role = hostRole(this, props, cacheBucketName);
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
    return renderBootScript(readBootSource(), settings);
  }
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
