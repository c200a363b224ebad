import { CfnDeletionPolicy, RemovalPolicy, Stack } from 'aws-cdk-lib';
import {
  CfnDistributionConfiguration,
  CfnImage,
  CfnImagePipeline,
  CfnInfrastructureConfiguration,
  CfnLifecyclePolicy,
} from 'aws-cdk-lib/aws-imagebuilder';
import { LogGroup, RetentionDays } from 'aws-cdk-lib/aws-logs';
import { Construct } from 'constructs';
import type { Ami } from '../infrastructure/deployment/ami.ts';
import { deploymentTag } from '../infrastructure/deployment/deployment-tag.ts';
import type { GitLabRunnerRelease } from '../infrastructure/gitlab-runner/gitlab-runner-release.ts';
import type { Architecture } from '../infrastructure/kit/architecture.ts';
import { amiParameters } from './exports.ts';
import { ImageRecipe } from './image-recipe.construct.ts';
import type { ImageRoles } from './image-roles.construct.ts';
import { imageTag, keepTag } from './image-tags.ts';

/** Amazon Linux updates its own image some times a month; a week is as old as a host's packages may get. */
const weekly = 'cron(0 3 ? * SUN *)';

/** Small, of several families so that one is available; the build waits for downloads most of the time. */
const buildInstanceTypes: Readonly<Record<Architecture, string[]>> = {
  x86_64: ['m7a.large', 'm7i.large', 'm6a.large', 'm6i.large'],
  arm64: ['m8g.large', 'm7g.large', 'm6g.large'],
};

export type RunnerImageProps = {
  readonly deployment: string;
  readonly ami: Ami;
  readonly kmsKeyArn?: string | undefined;
  /** The user's, of images, their builds and what builds them. */
  readonly resourceTags: Readonly<Record<string, string>>;
  readonly architecture: Architecture;
  readonly release: GitLabRunnerRelease;
  readonly roles: ImageRoles;
  readonly subnetId: string;
  readonly securityGroupIds: string[];
  /** Build an image while the stack is deployed, and again whenever its content changes. */
  readonly buildNow: boolean;
};

/**
 * The image of one architecture: how it is made, every week, the parameter in which the newest one is found, and the
 * end of old ones.
 */
export class RunnerImage extends Construct {
  readonly pipeline: CfnImagePipeline;
  /** Of the recipe, and so in the ARN of every image. */
  readonly name: string;

  constructor(scope: Construct, id: string, props: RunnerImageProps) {
    super(scope, id);
    const { ami, kmsKeyArn, resourceTags, architecture, release, roles } = props;
    // Image Builder writes an underscore as a hyphen in some names and not in others.
    this.name = `${props.deployment}-runner-${architecture.replace('_', '-')}`;
    const { recipe } = new ImageRecipe(this, 'Content', { name: this.name, architecture, release, ami, kmsKeyArn });
    const logs = new LogGroup(this, 'Logs', {
      // Image Builder's own name, the only one that the managed policy of the build instance allows; as ours, the logs
      // end with the stack.
      logGroupName: `/aws/imagebuilder/${this.name}`,
      retention: RetentionDays.ONE_MONTH,
      removalPolicy: RemovalPolicy.DESTROY,
    });
    const parts = {
      imageRecipeArn: recipe.attrArn,
      infrastructureConfigurationArn: this.createInfrastructure(props).attrArn,
      distributionConfigurationArn: this.createDistribution(props).attrArn,
      executionRole: roles.execution.roleArn,
      // On an instance of the new image, before its id is published.
      imageTestsConfiguration: { imageTestsEnabled: true, timeoutMinutes: 60 },
    };
    this.pipeline = new CfnImagePipeline(this, 'Pipeline', {
      name: this.name,
      description: recipe.description ?? '',
      ...parts,
      imageTags: { ...resourceTags, [imageTag]: this.name, [deploymentTag]: props.deployment },
      ...(ami.rebuild === 'weekly'
        ? { schedule: { scheduleExpression: weekly, pipelineExecutionStartCondition: 'EXPRESSION_MATCH_ONLY' } }
        : {}),
    });
    this.pipeline.node.addDependency(logs);
    if (props.buildNow) this.buildImage(parts).node.addDependency(logs);
    this.removeOldImages(props);
  }

  /**
   * CloudFormation would delete what Image Builder knows of an image that is replaced, and leave its AMI and snapshots,
   * which the lifecycle policy could then not find; and a deployment that is rolled back must not take the image that
   * its parameter names.
   */
  private buildImage(parts: ConstructorParameters<typeof CfnImage>[2]): CfnImage {
    const image = new CfnImage(this, 'Image', { ...parts, tags: { [imageTag]: this.name } });
    image.cfnOptions.deletionPolicy = CfnDeletionPolicy.RETAIN;
    image.cfnOptions.updateReplacePolicy = CfnDeletionPolicy.RETAIN;
    return image;
  }

  /**
   * The user's tags alone: the build's instances must not carry the deployment's, by which runner hosts are known and
   * cleaned up.
   */
  private createInfrastructure(props: RunnerImageProps): CfnInfrastructureConfiguration {
    return new CfnInfrastructureConfiguration(this, 'Infrastructure', {
      name: this.name,
      instanceProfileName: props.roles.instanceProfile.instanceProfileName,
      instanceTypes: props.ami.instanceTypes[props.architecture] ?? buildInstanceTypes[props.architecture],
      instanceMetadataOptions: { httpTokens: 'required', httpPutResponseHopLimit: 1 },
      subnetId: props.subnetId,
      securityGroupIds: props.securityGroupIds,
      terminateInstanceOnFailure: true,
      ...(Object.keys(props.resourceTags).length > 0 ? { resourceTags: { ...props.resourceTags } } : {}),
    });
  }

  private createDistribution(props: RunnerImageProps): CfnDistributionConfiguration {
    const { deployment, architecture, release, resourceTags } = props;
    const { imageId } = amiParameters(deployment, architecture);
    return new CfnDistributionConfiguration(this, 'Distribution', {
      name: this.name,
      distributions: [
        {
          region: Stack.of(this).region,
          // CDK passes this property on as it is: CloudFormation's own names.
          amiDistributionConfiguration: {
            Name: `${this.name}-{{ imagebuilder:buildDate }}`,
            Description: `Runner hosts of ${deployment}: gitlab-runner ${release.version}`,
            AmiTags: {
              ...resourceTags,
              [deploymentTag]: deployment,
              [imageTag]: this.name,
              'gitlab-runner': release.version,
            },
          },
          ssmParameterConfigurations: [{ parameterName: imageId, dataType: 'aws:ec2:image' }],
        },
      ],
    });
  }

  /** By tag and not by recipe: a recipe's version changes with its content, and a policy names versions. */
  private removeOldImages({ ami, roles }: RunnerImageProps): void {
    new CfnLifecyclePolicy(this, 'OldImages', {
      name: this.name,
      description: `Keeps the newest ${ami.keep} images`,
      executionRole: roles.lifecycle.roleArn,
      resourceType: 'AMI_IMAGE',
      status: 'ENABLED',
      resourceSelection: { tagMap: { [imageTag]: this.name } },
      policyDetails: [
        {
          action: { type: 'DELETE', includeResources: { amis: true, snapshots: true } },
          filter: { type: 'COUNT', value: ami.keep },
          exclusionRules: { amis: { lastLaunched: { unit: 'WEEKS', value: 1 }, tagMap: { [keepTag]: 'true' } } },
        },
      ],
    });
  }
}
