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
import {
  acknowledgeManagedPolicies,
  acknowledgeWildcards,
} from '../infrastructure/kit/cdk/acknowledge-rules.construct.ts';
import { volumeKeyStatements } from '../infrastructure/kit/cdk/volume-key.construct.ts';

const buildPolicies = ['EC2InstanceProfileForImageBuilder', 'AmazonSSMManagedInstanceCore'];
const executionPolicy = 'EC2ImageBuilderExecutionPolicy';
/** It reaches only what has Image Builder's own tag `CreatedBy`. */
const lifecyclePolicy = 'service-role/EC2ImageBuilderLifecycleExecutionPolicy';

export type ImageRolesProps = {
  readonly imageParameterNames: readonly string[];
  /** Of the images' snapshots, when the account's default key is not meant. */
  readonly kmsKeyArn?: string | undefined;
};

/** Who builds and removes images: the instance that is built on, and Image Builder around it. */
export class ImageRoles extends Construct {
  readonly instanceProfile: InstanceProfile;
  readonly execution: Role;
  /** Removes old images. */
  readonly lifecycle: Role;

  constructor(scope: Construct, id: string, props: ImageRolesProps) {
    super(scope, id);
    const build = new Role(this, 'Build', {
      assumedBy: new ServicePrincipal('ec2.amazonaws.com'),
      description: 'Instances on which Image Builder builds and tests the runner image',
      managedPolicies: buildPolicies.map((name) => ManagedPolicy.fromAwsManagedPolicyName(name)),
    });
    this.instanceProfile = new InstanceProfile(this, 'BuildProfile', { role: build });
    const imageBuilder = new ServicePrincipal('imagebuilder.amazonaws.com', {
      conditions: { StringEquals: { 'aws:SourceAccount': Stack.of(this).account } },
    });
    this.execution = new Role(this, 'Execution', {
      assumedBy: imageBuilder,
      description: 'Image Builder itself: builds, tests and distributes the runner image',
      managedPolicies: [ManagedPolicy.fromAwsManagedPolicyName(executionPolicy)],
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
        ...(props.kmsKeyArn === undefined
          ? {}
          : { UseKey: new PolicyDocument({ statements: volumeKeyStatements(this, [props.kmsKeyArn]) }) }),
      },
    });
    this.lifecycle = new Role(this, 'Lifecycle', {
      assumedBy: imageBuilder,
      description: 'Image Builder, when it removes old runner images',
      managedPolicies: [ManagedPolicy.fromAwsManagedPolicyName(lifecyclePolicy)],
    });
    this.acknowledge();
  }

  private acknowledge(): void {
    const reason =
      "Image Builder's work is its own affair and changes with the service: AWS says which rights it needs, and keeps these policies up to date.";
    acknowledgeManagedPolicies(this, reason, ...buildPolicies, executionPolicy, lifecyclePolicy);
    acknowledgeWildcards(this, 'ec2:DescribeImages knows no resources; it changes nothing.', '*');
  }

  /**
   * The managed policy lets Image Builder write parameters below `/imagebuilder/` only, and ours are elsewhere. The
   * second right is for the data type `aws:ec2:image`, with which Systems Manager looks whether there is such an image.
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
