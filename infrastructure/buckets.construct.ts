import { CfnResource, Duration, RemovalPolicy, Stack, Validations } from 'aws-cdk-lib';
import { LogGroup, RetentionDays } from 'aws-cdk-lib/aws-logs';
import { BlockPublicAccess, Bucket, BucketEncryption, type BucketProps, ObjectOwnership } from 'aws-cdk-lib/aws-s3';
import { Construct } from 'constructs';

/** A cache that no job touched for so long is rebuilt sooner than found. */
const cacheDays = 14;
const artifactsDays = 90;

/** The bucket of the jobs' caches and the one for artifacts and logs that users keep on AWS. */
export class Buckets extends Construct {
  /** Jobs can rebuild what is in it: it ends with the stack. */
  readonly cache: Bucket;
  /** People's own: it outlives the stack, and empties itself. */
  readonly artifacts: Bucket;

  constructor(scope: Construct, id: string) {
    super(scope, id);
    this.cache = new Bucket(this, 'Cache', {
      ...privateFor(cacheDays),
      removalPolicy: RemovalPolicy.DESTROY,
      autoDeleteObjects: true,
    });
    this.writeLogOfEmptying();
    this.artifacts = new Bucket(this, 'Artifacts', {
      ...privateFor(artifactsDays),
      removalPolicy: RemovalPolicy.RETAIN,
    });
    for (const bucket of [this.cache, this.artifacts]) {
      Validations.of(bucket).acknowledge({
        id: 'AwsSolutions-S1',
        reason:
          'Jobs read and write by the thousand; a log of each access would outgrow the data. CloudTrail data events can be switched on where a rule asks for them.',
      });
    }
  }

  /** CDK's function that empties the bucket would write a log that is kept for ever, and stays behind. */
  private writeLogOfEmptying(): void {
    const provider = Stack.of(this).node.tryFindChild('Custom::S3AutoDeleteObjectsCustomResourceProvider');
    const handler = provider?.node.tryFindChild('Handler');
    if (!CfnResource.isCfnResource(handler)) throw new Error('The CDK has another function that empties buckets');
    const logs = new LogGroup(this, 'EmptyingLogs', {
      retention: RetentionDays.ONE_MONTH,
      removalPolicy: RemovalPolicy.DESTROY,
    });
    handler.addPropertyOverride('LoggingConfig.LogGroup', logs.logGroupName);
  }
}

function privateFor(days: number): BucketProps {
  return {
    blockPublicAccess: BlockPublicAccess.BLOCK_ALL,
    encryption: BucketEncryption.S3_MANAGED,
    enforceSSL: true,
    objectOwnership: ObjectOwnership.BUCKET_OWNER_ENFORCED,
    lifecycleRules: [{ expiration: Duration.days(days), abortIncompleteMultipartUploadAfter: Duration.days(1) }],
  };
}
