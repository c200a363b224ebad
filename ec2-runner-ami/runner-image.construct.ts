import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { RemovalPolicy, Stack } from 'aws-cdk-lib';
import {
  CfnComponent,
  CfnDistributionConfiguration,
  CfnImage,
  CfnImagePipeline,
  CfnImageRecipe,
  CfnInfrastructureConfiguration,
} from 'aws-cdk-lib/aws-imagebuilder';
import { LogGroup, RetentionDays } from 'aws-cdk-lib/aws-logs';
import { Construct } from 'constructs';
import type { Architecture } from '../infrastructure/lib/architecture.ts';
import { deploymentTag } from '../infrastructure/lib/deployment-tag.ts';
import { renderComponentDocument } from './component-document.ts';
import { contentVersion } from './content-version.ts';
import { amiParameters } from './exports.ts';
import type { GitLabRunnerRelease } from './gitlab-runner-version.ts';
import { imageComponents } from './image-components.ts';
import type { ImageRoles } from './image-roles.construct.ts';

/** Amazon Linux updates its own image some times a month; a week is as old as a host's packages may get. */
const weekly = 'cron(0 3 ? * SUN *)';

/** Small, of several families so that one is available; the build waits for downloads most of the time. */
const buildInstanceTypes: Readonly<Record<Architecture, string[]>> = {
  x86_64: ['m7a.large', 'm7i.large', 'm6a.large', 'm6i.large'],
  arm64: ['m8g.large', 'm7g.large', 'm6g.large'],
};

/** As small as it fits: a host reads its disk from the snapshot as it boots. Launch templates make it larger. */
const imageVolumeGiB = 8;

export type RunnerImageProps = {
  readonly deployment: string;
  readonly architecture: Architecture;
  readonly release: GitLabRunnerRelease;
  readonly roles: ImageRoles;
  readonly subnetId: string;
  readonly securityGroupIds: string[];
  /** Build an image while the stack is deployed, and again whenever its content changes. */
  readonly buildNow: boolean;
};

/** The image of one architecture: how it is made, every week, and the parameter in which the newest one is found. */
export class RunnerImage extends Construct {
  readonly pipeline: CfnImagePipeline;

  constructor(scope: Construct, id: string, props: RunnerImageProps) {
    super(scope, id);
    // Image Builder writes an underscore as a hyphen in some names and not in others.
    const name = `${props.deployment}-runner-${props.architecture.replace('_', '-')}`;
    const recipe = this.createRecipe(name, props);
    const logs = new LogGroup(this, 'Logs', {
      // Image Builder chooses this name; as ours, the logs end with the stack.
      logGroupName: `/aws/imagebuilder/${name}`,
      retention: RetentionDays.ONE_MONTH,
      removalPolicy: RemovalPolicy.DESTROY,
    });
    const parts = {
      imageRecipeArn: recipe.attrArn,
      infrastructureConfigurationArn: this.createInfrastructure(name, props).attrArn,
      distributionConfigurationArn: this.createDistribution(name, props).attrArn,
      executionRole: props.roles.execution.roleArn,
      // On an instance of the new image, before its id is published.
      imageTestsConfiguration: { imageTestsEnabled: true, timeoutMinutes: 60 },
    };
    this.pipeline = new CfnImagePipeline(this, 'Pipeline', {
      name,
      description: recipe.description ?? '',
      ...parts,
      schedule: { scheduleExpression: weekly, pipelineExecutionStartCondition: 'EXPRESSION_MATCH_ONLY' },
    });
    this.pipeline.node.addDependency(logs);
    if (props.buildNow) new CfnImage(this, 'Image', parts).node.addDependency(logs);
  }

  private createRecipe(name: string, { architecture, release }: RunnerImageProps): CfnImageRecipe {
    const components = imageComponents(release, architecture, readScript).map((source) => {
      const data = renderComponentDocument(source);
      return new CfnComponent(this, `Component-${source.name}`, {
        name: `${name}-${source.name}`,
        description: source.description,
        platform: 'Linux',
        version: contentVersion(data),
        data,
      });
    });
    const content = {
      // Resolved at every build, so that each begins with the newest Amazon Linux.
      parentImage: `ssm:/aws/service/ami-amazon-linux-latest/al2023-ami-kernel-default-${architecture}`,
      description: `Amazon Linux 2023 with docker and gitlab-runner ${release.version}`,
      blockDeviceMappings: [
        {
          deviceName: '/dev/xvda',
          ebs: { volumeType: 'gp3', volumeSize: imageVolumeGiB, deleteOnTermination: true },
        },
      ],
      additionalInstanceConfiguration: { systemsManagerAgent: { uninstallAfterBuild: false } },
    };
    const version = contentVersion(JSON.stringify([content, components.map((component) => component.version)]));
    return new CfnImageRecipe(this, 'Recipe', {
      name,
      version,
      ...content,
      components: components.map((component) => ({ componentArn: component.attrArn })),
    });
  }

  /** No `resourceTags`: the build's instances must not carry the deployment's tag, by which runner hosts are known and cleaned up. */
  private createInfrastructure(name: string, props: RunnerImageProps): CfnInfrastructureConfiguration {
    return new CfnInfrastructureConfiguration(this, 'Infrastructure', {
      name,
      instanceProfileName: props.roles.instanceProfile.instanceProfileName,
      instanceTypes: buildInstanceTypes[props.architecture],
      instanceMetadataOptions: { httpTokens: 'required', httpPutResponseHopLimit: 1 },
      subnetId: props.subnetId,
      securityGroupIds: props.securityGroupIds,
      terminateInstanceOnFailure: true,
    });
  }

  private createDistribution(name: string, props: RunnerImageProps): CfnDistributionConfiguration {
    const { imageId } = amiParameters(props.deployment, props.architecture);
    return new CfnDistributionConfiguration(this, 'Distribution', {
      name,
      distributions: [
        {
          region: Stack.of(this).region,
          // CDK passes this property on as it is: CloudFormation's own names.
          amiDistributionConfiguration: {
            Name: `${name}-{{ imagebuilder:buildDate }}`,
            Description: `Runner hosts of ${props.deployment}: gitlab-runner ${props.release.version}`,
            AmiTags: { [deploymentTag]: props.deployment, 'gitlab-runner': props.release.version },
          },
          ssmParameterConfigurations: [{ parameterName: imageId, dataType: 'aws:ec2:image' }],
        },
      ],
    });
  }
}

function readScript(name: string): string {
  return readFileSync(join(import.meta.dirname, 'components', `${name}.sh`), 'utf8');
}
