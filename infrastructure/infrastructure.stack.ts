import { CfnOutput, Fn, Stack, type StackProps } from 'aws-cdk-lib';
import { StringParameter } from 'aws-cdk-lib/aws-ssm';
import type { Construct } from 'constructs';
import { Buckets } from './buckets.construct.ts';
import type { Deployment } from './deployment/deployment.ts';
import { JobEventBus } from './event-bus.construct.ts';
import { infrastructureParameters } from './exports.ts';
import { ImageRepository } from './image-repository.construct.ts';
import { JobHookApi } from './ingest/job-hook-api.construct.ts';
import { Network } from './network.construct.ts';
import { Secrets } from './secrets.construct.ts';

export type InfrastructureStackProps = StackProps & { readonly deployment: Deployment };

/** What the other subsystems stand on: network, webhook, event bus, secrets, buckets and image repository. */
export class InfrastructureStack extends Stack {
  private readonly zones: number;

  constructor(scope: Construct, id: string, props: InfrastructureStackProps) {
    const { deployment, ...stackProps } = props;
    super(scope, id, { ...stackProps, description: 'GitLab runners on demand: network, webhook and event bus' });
    this.zones = 'availabilityZones' in deployment.network ? deployment.network.availabilityZones : 0;

    const network = new Network(this, 'Network', deployment.network);
    const { bus } = new JobEventBus(this, 'JobEvents');
    const secrets = new Secrets(this, 'Secrets');
    const { webhookUrl } = new JobHookApi(this, 'JobHook', {
      bus,
      webhookSecret: secrets.webhook,
      deployment,
    });
    const buckets = new Buckets(this, 'Buckets');
    const { repository } = new ImageRepository(this, 'ImageRepository');

    this.publish(deployment.name, {
      eventBusArn: bus.eventBusArn,
      webhookUrl,
      webhookSecretArn: secrets.webhook.secretArn,
      gitlabTokenSecretArn: secrets.gitlabToken.secretArn,
      vpcId: network.vpcId,
      subnetIds: Fn.join(',', [...network.subnetIds]),
      securityGroupIds: Fn.join(',', [...network.securityGroupIds]),
      cacheBucketName: buckets.cache.bucketName,
      artifactsBucketName: buckets.artifacts.bucketName,
      imageRepositoryUri: repository.repositoryUri,
    });
    new CfnOutput(this, 'WebhookUrl', { value: webhookUrl, description: "Address for GitLab's job hook" });
  }

  /** The region's first zones, named at deploy time: CDK would look them up in the account, and synth needs none. */
  override get availabilityZones(): string[] {
    return Array.from({ length: this.zones }, (_, index) => Fn.select(index, Fn.getAzs()));
  }

  /** Hands values to the other apps. The compiler asks for a value for each name of `exports.ts`. */
  private publish(deploymentName: string, values: Record<keyof ReturnType<typeof infrastructureParameters>, string>) {
    const names = infrastructureParameters(deploymentName);
    for (const [key, parameterName] of Object.entries(names)) {
      new StringParameter(this, `Parameter-${key}`, { parameterName, stringValue: values[key as keyof typeof names] });
    }
  }
}
