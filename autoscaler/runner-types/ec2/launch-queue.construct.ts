import { Duration } from 'aws-cdk-lib';
import { Grant } from 'aws-cdk-lib/aws-iam';
import type { Function as LambdaFunction } from 'aws-cdk-lib/aws-lambda';
import { SqsEventSource } from 'aws-cdk-lib/aws-lambda-event-sources';
import { Queue, QueueEncryption } from 'aws-cdk-lib/aws-sqs';
import { Construct } from 'constructs';
import { deadLetterQueue } from '../../events/dead-letters.construct.ts';

/** Longer than the consumer's timeout, so that no message comes again while it is worked on. */
export const launchTimeoutSeconds = 30;

/** The queue of launch requests: a burst of jobs becomes few CreateFleet calls. */
export class LaunchQueue extends Construct {
  readonly queue: Queue;
  readonly deadLetters: Queue;

  constructor(scope: Construct, id: string) {
    super(scope, id);
    this.deadLetters = deadLetterQueue(this, 'DeadLetters');
    this.queue = new Queue(this, 'Requests', {
      visibilityTimeout: Duration.seconds(3 * launchTimeoutSeconds),
      retentionPeriod: Duration.hours(1),
      encryption: QueueEncryption.SQS_MANAGED,
      enforceSSL: true,
      // The launcher itself gives up at `mostReceives`; this is for messages that it cannot even read.
      deadLetterQueue: { queue: this.deadLetters, maxReceiveCount: 30 },
    });
  }

  /** To ask for launches. */
  grantSend(lambda: LambdaFunction): void {
    lambda.addEnvironment('LAUNCH_QUEUE_URL', this.queue.queueUrl);
    Grant.addToPrincipal({ grantee: lambda, actions: ['sqs:SendMessage'], resourceArns: [this.queue.queueArn] });
  }

  grantConsume(lambda: LambdaFunction): void {
    lambda.addEnvironment('LAUNCH_QUEUE_URL', this.queue.queueUrl);
    this.queue.grantConsumeMessages(lambda);
  }

  /** Feeds the launcher: up to ten requests at once, without waiting for more. */
  consumeWith(launcher: LambdaFunction): void {
    launcher.addEventSource(
      new SqsEventSource(this.queue, { batchSize: 10, reportBatchItemFailures: true, maxConcurrency: 5 }),
    );
  }
}
