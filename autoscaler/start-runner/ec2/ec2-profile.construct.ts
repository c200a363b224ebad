import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Fn, Stack, Tags } from 'aws-cdk-lib';
import { CfnLaunchTemplate } from 'aws-cdk-lib/aws-ec2';
import { CfnInstanceProfile, ManagedPolicy, PolicyStatement, Role, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import { Construct } from 'constructs';
import { amiParameters } from '../../../ec2-runner-ami/exports.ts';
import { type Deployment, type Ec2Profile, instanceTypesOf } from '../../../infrastructure/lib/deployment.ts';
import { deploymentTag } from '../../../infrastructure/lib/deployment-tag.ts';
import type { LaunchProfile } from '../../environment.ts';
import { bootSettingsOf, renderBootScript } from './boot-script.ts';
import { profileTag } from './instance-tags.ts';

export type Ec2ProfileProps = {
  readonly deployment: Deployment;
  readonly name: string;
  readonly profile: Ec2Profile;
  readonly ticketsTable: { readonly tableName: string; readonly tableArn: string };
  /** Ids, separated by commas. */
  readonly securityGroupIds: string;
};

/** What a profile of type EC2 needs on AWS: a role, an instance profile and a launch template whose user data is the static boot script. */
export class Ec2RunnerProfile extends Construct {
  readonly role: Role;
  readonly launch: LaunchProfile;
  readonly imageParameter: string;
  readonly launchTemplateId: string;

  constructor(scope: Construct, id: string, props: Ec2ProfileProps) {
    super(scope, id);
    const { deployment, profile, name } = props;
    this.role = new Role(this, 'Role', {
      assumedBy: new ServicePrincipal('ec2.amazonaws.com'),
      description: `Runner instances of profile ${name}: they may claim their ticket`,
      managedPolicies: profile.managedPolicyArns.map((arn, index) =>
        ManagedPolicy.fromManagedPolicyArn(this, `Policy${index}`, arn),
      ),
    });
    this.role.addToPolicy(
      new PolicyStatement({ actions: ['dynamodb:DeleteItem'], resources: [props.ticketsTable.tableArn] }),
    );
    const instanceProfile = new CfnInstanceProfile(this, 'InstanceProfile', { roles: [this.role.roleName] });
    this.imageParameter = profile.imageParameter ?? amiParameters(deployment.name, profile.architecture).imageId;
    const bootScript = renderBootScript(
      readFileSync(join(import.meta.dirname, 'boot.sh'), 'utf8'),
      bootSettingsOf(deployment, profile, props.ticketsTable.tableName, Stack.of(this).region),
    );
    const tags = [
      { key: 'Name', value: `${deployment.name} ${name} runner` },
      { key: deploymentTag, value: deployment.name },
      { key: profileTag, value: name },
    ];
    const template = new CfnLaunchTemplate(this, 'LaunchTemplate', {
      launchTemplateData: {
        imageId: `resolve:ssm:${this.imageParameter}`,
        iamInstanceProfile: { arn: instanceProfile.attrArn },
        instanceInitiatedShutdownBehavior: 'terminate',
        securityGroupIds: Fn.split(',', props.securityGroupIds),
        metadataOptions: { httpTokens: 'required', httpPutResponseHopLimit: 1, httpEndpoint: 'enabled' },
        blockDeviceMappings: [
          {
            deviceName: '/dev/xvda',
            ebs: { volumeType: 'gp3', volumeSize: profile.volumeGiB, encrypted: true, deleteOnTermination: true },
          },
        ],
        userData: Fn.base64(bootScript),
        tagSpecifications: ['instance', 'volume', 'network-interface'].map((resourceType) => ({ resourceType, tags })),
      },
    });
    Tags.of(template).add(deploymentTag, deployment.name);
    this.launchTemplateId = template.ref;
    this.launch = {
      launchTemplateId: template.ref,
      launchTemplateVersion: template.attrLatestVersionNumber,
      instanceTypes: [...instanceTypesOf(profile)],
      onDemand: profile.onDemand,
      maxPriceUsd: profile.maxPriceUsd,
    };
  }
}
