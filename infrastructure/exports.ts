import { parameterNameOf } from './kit/cdk/parameter-names.ts';

/** Names of the SSM parameters that the infrastructure app publishes. */
export function infrastructureParameters(deployment: string) {
  const name = (key: string) => parameterNameOf(deployment, 'infrastructure', key);
  return {
    /** ARN of the event bus with the job events. */
    eventBusArn: name('event-bus-arn'),
    /** Where GitLab's job hook points to. */
    webhookUrl: name('webhook-url'),
    /** ARN of the secret with the webhook's token and signing token. */
    webhookSecretArn: name('webhook-secret-arn'),
    /** ARN of the secret with the GitLab access token (`create_runner`, `manage_runner`, `read_api`). */
    gitlabTokenSecretArn: name('gitlab-token-secret-arn'),
    /** Id of the VPC for EC2 runners. */
    vpcId: name('vpc-id'),
    /** Ids of the subnets for EC2 runners, separated by commas. */
    subnetIds: name('subnet-ids'),
    /** Ids of the security groups for EC2 runners, separated by commas. */
    securityGroupIds: name('security-group-ids'),
    /** Name of the bucket for the jobs' caches. */
    cacheBucketName: name('cache-bucket-name'),
    /** Name of the bucket for artifacts and logs that users keep on AWS. */
    artifactsBucketName: name('artifacts-bucket-name'),
    /** URI of the ECR repository for users' own runner images. */
    imageRepositoryUri: name('image-repository-uri'),
  };
}

/** What the secret of the GitLab access token holds until a person stores the real one. */
export const gitlabTokenPlaceholder = 'set-me-to-a-gitlab-access-token';
