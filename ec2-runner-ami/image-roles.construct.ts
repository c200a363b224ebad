import { Stack } from 'aws-cdk-lib';
import {
  InstanceProfile,
  ManagedPolicy,
  PolicyDocument,
  PolicyStatement,
  Role,
  ServicePrincipal,
} from 'aws-cdk-lib/aws-iam';
import { Construct } from 'constructs';

/** Who builds images: the instance that is built on, and Image Builder around it. */
export class ImageRoles extends Construct {
  readonly instanceProfile: InstanceProfile;
  readonly execution: Role;

  constructor(scope: Construct, id: string, props: { readonly imageParameterNames: readonly string[] }) {
    super(scope, id);
    const build = new Role(this, 'Build', {
      assumedBy: new ServicePrincipal('ec2.amazonaws.com'),
      description: 'Instances on which Image Builder builds and tests the runner image',
      managedPolicies: ['EC2InstanceProfileForImageBuilder', 'AmazonSSMManagedInstanceCore'].map((name) =>
        ManagedPolicy.fromAwsManagedPolicyName(name),
      ),
    });
    this.instanceProfile = new InstanceProfile(this, 'BuildProfile', { role: build });
    this.execution = new Role(this, 'Execution', {
      assumedBy: new ServicePrincipal('imagebuilder.amazonaws.com', {
        conditions: { StringEquals: { 'aws:SourceAccount': Stack.of(this).account } },
      }),
      description: 'Image Builder itself: builds, tests and distributes the runner image',
      managedPolicies: [ManagedPolicy.fromAwsManagedPolicyName('EC2ImageBuilderExecutionPolicy')],
      // In the role itself, so that whatever has the role has its rights.
      inlinePolicies: {
        PublishImageId: new PolicyDocument({ statements: this.publishing(props.imageParameterNames) }),
        UseBuildRole: new PolicyDocument({
          statements: [
            new PolicyStatement({
              actions: ['iam:PassRole'],
              resources: [build.roleArn],
              conditions: { StringEquals: { 'iam:PassedToService': 'ec2.amazonaws.com' } },
            }),
          ],
        }),
      },
    });
  }

  /**
   * The managed policy lets Image Builder write parameters below `/imagebuilder/` only, and ours are elsewhere. The second right is
   * for the data type `aws:ec2:image`, with which Systems Manager looks whether there is such an image.
   * Source: https://docs.aws.amazon.com/imagebuilder/latest/userguide/cr-upd-ami-distribution-settings.html
   */
  private publishing(parameterNames: readonly string[]): PolicyStatement[] {
    const resources = parameterNames.map((name) =>
      Stack.of(this).formatArn({ service: 'ssm', resource: 'parameter', resourceName: name.replace(/^\//, '') }),
    );
    return [
      new PolicyStatement({ actions: ['ssm:PutParameter'], resources }),
      new PolicyStatement({ actions: ['ec2:DescribeImages'], resources: ['*'] }),
    ];
  }
}
