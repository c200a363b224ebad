import { Duration, RemovalPolicy } from 'aws-cdk-lib';
import type { IFunction } from 'aws-cdk-lib/aws-lambda';
import { LogGroup, RetentionDays } from 'aws-cdk-lib/aws-logs';
import {
  DefinitionBody,
  type IChainable,
  LogLevel,
  QueryLanguage,
  StateMachine,
  StateMachineType,
  TaskInput,
} from 'aws-cdk-lib/aws-stepfunctions';
import { LambdaInvoke } from 'aws-cdk-lib/aws-stepfunctions-tasks';
import type { Construct } from 'constructs';
import { retryPassingTrouble } from './workflow-retries.construct.ts';

export type WorkflowProps = { readonly definition: IChainable; readonly comment: string };

/** An express workflow in JSONata with its history in CloudWatch Logs, without the data that flows through it. */
export class Workflow extends StateMachine {
  constructor(scope: Construct, id: string, { definition, comment }: WorkflowProps) {
    super(scope, id, {
      stateMachineType: StateMachineType.EXPRESS,
      queryLanguage: QueryLanguage.JSONATA,
      definitionBody: DefinitionBody.fromChainable(definition),
      comment,
      timeout: Duration.minutes(4),
      tracingEnabled: true,
      logs: {
        destination: new LogGroup(scope, `${id}Logs`, {
          retention: RetentionDays.ONE_MONTH,
          removalPolicy: RemovalPolicy.DESTROY,
        }),
        level: LogLevel.ALL,
        includeExecutionData: false,
      },
    });
  }
}

export type LambdaStateProps = {
  readonly lambda: IFunction;
  /** JSONata expressions inside, such as `{% $event %}`. */
  readonly payload: Record<string, unknown> | string;
  /** Variables to keep for later states; `$states.result.Payload` is what the Lambda returned. */
  readonly assign?: Record<string, unknown>;
  readonly comment: string;
};

/** A state that invokes one of our Lambdas, waits for its answer, passes the answer on, and retries passing trouble. */
export function lambdaState(
  scope: Construct,
  name: string,
  { lambda, payload, assign, comment }: LambdaStateProps,
): LambdaInvoke {
  const state = LambdaInvoke.jsonata(scope, name, {
    stateName: name,
    comment,
    lambdaFunction: lambda,
    payload: typeof payload === 'string' ? TaskInput.fromText(payload) : TaskInput.fromObject(payload),
    outputs: '{% $states.result.Payload %}',
    retryOnServiceExceptions: false,
    ...(assign ? { assign } : {}),
  });
  state.addRetry(retryPassingTrouble);
  return state;
}
