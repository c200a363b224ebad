import { CfnOutput, CfnWaitConditionHandle, Fn, Stack, type StackProps } from 'aws-cdk-lib';
import { EventBus } from 'aws-cdk-lib/aws-events';
import { StringParameter } from 'aws-cdk-lib/aws-ssm';
import type { Construct } from 'constructs';
import { type Deployment, profilesOfType } from '../infrastructure/deployment/deployment.ts';
import { infrastructureParameters } from '../infrastructure/exports.ts';
import { gitlabRunnerRelease } from '../infrastructure/gitlab-runner/gitlab-runner-pins.ts';
import { type Architecture, architectures } from '../infrastructure/kit/architecture.ts';
import { imageKeyOf } from '../infrastructure/kit/cdk/volume-key.construct.ts';
import { amiParameters } from './exports.ts';
import { FailedBuilds } from './failed-builds.construct.ts';
import { ImageRemoval } from './image-removal.construct.ts';
import { ImageRoles } from './image-roles.construct.ts';
import { RunnerImage } from './runner-image.construct.ts';

export type Ec2RunnerAmiStackProps = StackProps & {
  readonly deployment: Deployment;
  /**
   * Build an image while the stack is deployed (about half an hour), and again whenever its content changes. It ends
   * with an image that passed its tests and whose id is in the parameter, or it fails and changes nothing. Without it
   * the stack is there in a minute, and its outputs say what to run.
   */
  readonly buildNow: boolean;
};

/**
 * The machine images of the deployment's EC2 profiles, one for each architecture that a profile without an
 * `imageParameter` of its own uses. Launch templates find the newest image by its parameter at each launch, so a new
 * image needs no other deployment. The images and the parameters stay when the stack is destroyed, unless
 * `ami.onDestroy` says otherwise.
 */
export class Ec2RunnerAmiStack extends Stack {
  constructor(scope: Construct, id: string, { deployment, buildNow, ...props }: Ec2RunnerAmiStackProps) {
    super(scope, id, { description: 'GitLab runners on demand: machine images of EC2 runners', ...props });
    const used = architecturesToBuild(deployment);
    if (used.length === 0) {
      // CloudFormation refuses a stack without resources; this one is nothing.
      new CfnWaitConditionHandle(this, 'NoProfileNeedsAnImage');
      return;
    }
    const imageParameterNames = used.map((architecture) => amiParameters(deployment.name, architecture).imageId);
    const { ami } = deployment;
    const kmsKeyArn = imageKeyOf(deployment);
    const roles = new ImageRoles(this, 'Roles', { imageParameterNames, kmsKeyArn });
    const removal =
      ami.onDestroy === 'delete'
        ? new ImageRemoval(this, 'Removal', { deployment: deployment.name, imageParameterNames })
        : undefined;
    const published = infrastructureParameters(deployment.name);
    const read = (parameterName: string) => StringParameter.valueForStringParameter(this, parameterName);
    const images = used.map((architecture) => {
      const image = new RunnerImage(this, `Image-${architecture}`, {
        deployment: deployment.name,
        ami,
        kmsKeyArn,
        resourceTags: deployment.resourceTags,
        architecture,
        release: gitlabRunnerRelease,
        roles,
        subnetId: ami.subnetId ?? Fn.select(0, Fn.split(',', read(published.subnetIds))),
        securityGroupIds: ami.securityGroupIds ?? Fn.split(',', read(published.securityGroupIds)),
        buildNow,
      });
      if (removal) image.pipeline.node.addDependency(removal);
      this.explain(architecture, amiParameters(deployment.name, architecture).imageId, image.pipeline.attrArn);
      return image;
    });
    new FailedBuilds(this, 'FailedBuilds', {
      imageNames: images.map(({ name }) => name),
      eventBus: EventBus.fromEventBusArn(this, 'EventBus', read(published.eventBusArn)),
    });
  }

  private explain(architecture: Architecture, parameterName: string, pipelineArn: string): void {
    const suffix = architecture.replace('_', '');
    new CfnOutput(this, `ImageParameter${suffix}`, {
      value: parameterName,
      description: `SSM parameter with the id of the newest ${architecture} image, once one is built`,
    });
    new CfnOutput(this, `BuildCommand${suffix}`, {
      value: `aws imagebuilder start-image-pipeline-execution --region ${this.region} --image-pipeline-arn ${pipelineArn}`,
      description: `Builds an ${architecture} image now; needed once after a deployment without a build`,
    });
  }
}

function architecturesToBuild(deployment: Deployment): readonly Architecture[] {
  const profiles = profilesOfType(deployment, 'EC2').map(([, profile]) => profile);
  return architectures.filter((architecture) =>
    profiles.some((profile) => profile.architecture === architecture && profile.imageParameter === undefined),
  );
}
