import { Duration } from 'aws-cdk-lib';
import { JitterType, type RetryProps } from 'aws-cdk-lib/aws-stepfunctions';

/**
 * What Lambda, DynamoDB and GitLab answer when they are in passing trouble: the call may not have happened. A
 * `GitLabLimitError` is not among them: what GitLab may not be asked for now is not asked for again within seconds.
 */
const passingTrouble = [
  'Lambda.ServiceException',
  'Lambda.AWSLambdaException',
  'Lambda.SdkClientException',
  'Lambda.TooManyRequestsException',
  'Lambda.ClientExecutionTimeoutException',
  'Lambda.Unknown',
  // A Lambda that took too long: older runtimes say Lambda.Unknown.
  'Sandbox.Timedout',
  'States.Timeout',
  'GitLabUnavailableError',
  'SecretUnavailableError',
  'RunnerFunctionUnavailableError',
  'ThrottlingException',
  'ProvisionedThroughputExceededException',
  'InternalServerError',
  'TransactionCanceledException',
  'TransactionConflictException',
  'TransactionInProgressException',
  'RequestLimitExceeded',
  'InternalError',
  'ServiceUnavailable',
  'Unavailable',
];

/**
 * Retries with full jitter; a state waits at most seven seconds in all, so that a workflow keeps far under its five
 * minutes.
 */
export const retryPassingTrouble: RetryProps = {
  errors: passingTrouble,
  interval: Duration.seconds(1),
  backoffRate: 2,
  maxAttempts: 3,
  maxDelay: Duration.seconds(4),
  jitterStrategy: JitterType.FULL,
};
