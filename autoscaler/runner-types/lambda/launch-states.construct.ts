import { Stack } from 'aws-cdk-lib';
import type { IFunction } from 'aws-cdk-lib/aws-lambda';
import { CustomState, type INextable, JitterType } from 'aws-cdk-lib/aws-stepfunctions';
import type { LambdaInvoke } from 'aws-cdk-lib/aws-stepfunctions-tasks';
import type { Construct } from 'constructs';
import { lambdaState } from '../../workflow/workflow.construct.ts';
import { retryPassingTrouble } from '../../workflow/workflow-retries.construct.ts';

export type RunnerPayloadProps = {
  readonly ticketsTableName: string;
  readonly gitlabUrl: string;
  readonly deployment: string;
};

type RunnerPayload = ReturnType<typeof runnerPayload>;

/** What a runner's function is told, a `LambdaRunnerPayload`, from the variables of the workflow that starts it. */
export function runnerPayload({ ticketsTableName, gitlabUrl, deployment }: RunnerPayloadProps) {
  return {
    kind: 'run-job',
    ticketId: '{% $runner.ticketId %}',
    ticketsTable: ticketsTableName,
    gitlabUrl,
    runnerName: `{% '${deployment} lambda ' & $event.jobId %}`,
    runnerId: '{% $runner.runnerId %}',
    job: {
      projectId: '{% $event.projectId %}',
      jobId: '{% $event.jobId %}',
      jobName: '{% $event.jobName %}',
      projectPath: '{% $event.projectPath %}',
    },
    attempt: '{% $attempt %}',
    timeoutSeconds: '{% $choice.timeoutSeconds %}',
    images: '{% $images %}',
  };
}

/**
 * Which function is a matter of the job's mapping, so that the state names it by an expression; the policy is the
 * allow-list.
 */
export function invokeLambdaRunnerState(scope: Construct, payload: RunnerPayload): CustomState & INextable {
  const state = new CustomState(scope, 'InvokeLambdaRunner', {
    stateJson: {
      Type: 'Task',
      Comment: 'Asynchronous: the job may take much longer than this workflow',
      Resource: `arn:${Stack.of(scope).partition}:states:::lambda:invoke`,
      Arguments: { FunctionName: '{% $choice.functionArn %}', InvocationType: 'Event', Payload: payload },
    },
  });
  state.addRetry(retryPassingTrouble);
  return state;
}

export function invokeIsolatedRunnerState(scope: Construct, lambda: IFunction, payload: RunnerPayload): LambdaInvoke {
  return lambdaState(scope, 'InvokeIsolatedRunner', {
    lambda,
    comment: 'The same, in an execution environment of the job’s project alone',
    payload: { functionArn: '{% $choice.functionArn %}', tenantId: '{% $choice.tenantId %}', payload },
  });
}

/** A function runs from the moment that it is invoked. */
export function noteLaunchState(
  scope: Construct,
  runnersTable: { readonly tableName: string },
): CustomState & INextable {
  const state = new CustomState(scope, 'NoteLaunch', {
    stateJson: {
      Type: 'Task',
      Comment: 'REGISTERED -> LAUNCHED, unless the job is over already',
      Resource: `arn:${Stack.of(scope).partition}:states:::dynamodb:updateItem`,
      Arguments: {
        TableName: runnersTable.tableName,
        Key: { pk: { S: "{% 'job#' & $event.projectId & '#' & $event.jobId %}" } },
        UpdateExpression: 'SET #state = :launched, launchedAt = :now',
        ConditionExpression: '#state = :registered AND attempt = :attempt',
        ExpressionAttributeNames: { '#state': 'state' },
        ExpressionAttributeValues: {
          ':launched': { S: 'LAUNCHED' },
          ':registered': { S: 'REGISTERED' },
          ':attempt': { N: '{% $string($attempt) %}' },
          ':now': { S: '{% $now() %}' },
        },
      },
    },
  });
  // Refused is refused; whatever else is in the way passes: a transaction on the same item, above all, or throttling.
  const refused = ['DynamoDB.ConditionalCheckFailedException'];
  state.addRetry({ errors: refused, maxAttempts: 0, jitterStrategy: JitterType.FULL });
  state.addRetry({ ...retryPassingTrouble, errors: ['States.ALL'] });
  return state;
}
