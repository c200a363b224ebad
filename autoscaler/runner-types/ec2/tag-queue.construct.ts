import { Duration, Validations } from 'aws-cdk-lib';
import { Grant } from 'aws-cdk-lib/aws-iam';
import type { Function as LambdaFunction } from 'aws-cdk-lib/aws-lambda';
import { SqsEventSource } from 'aws-cdk-lib/aws-lambda-event-sources';
import { Queue, QueueEncryption } from 'aws-cdk-lib/aws-sqs';
import { Construct } from 'constructs';
import { launchTimeoutSeconds } from './launch-queue.construct.ts';

/** The queue of tags that instances get when they are launched already. What is in it may be lost without harm. */
export class TagQueue extends Construct {
  readonly queue: Queue;

  constructor(scope: Construct, id: string) {
    super(scope, id);
    this.queue = new Queue(this, 'Tags', {
      visibilityTimeout: Duration.seconds(3 * launchTimeoutSeconds),
      // An instance that is older has told its job by then.
      retentionPeriod: Duration.minutes(15),
      encryption: QueueEncryption.SQS_MANAGED,
      enforceSSL: true,
    });
    Validations.of(this.queue).acknowledge({
      id: 'AwsSolutions-SQS3',
      reason:
        'These tags are best effort: a message that nobody could work on in a quarter of an hour is worth nothing.',
    });
  }

  /** To ask for tags. */
  grantSend(lambda: LambdaFunction): void {
    lambda.addEnvironment('TAG_QUEUE_URL', this.queue.queueUrl);
    Grant.addToPrincipal({ grantee: lambda, actions: ['sqs:SendMessage'], resourceArns: [this.queue.queueArn] });
  }

  grantConsume(lambda: LambdaFunction): void {
    this.queue.grantConsumeMessages(lambda);
  }

  /** Feeds the tagger: a launch at a time, and two at once, which is the least that Lambda takes. */
  consumeWith(tagger: LambdaFunction): void {
    tagger.addEventSource(new SqsEventSource(this.queue, { batchSize: 1, maxConcurrency: 2 }));
  }
}
