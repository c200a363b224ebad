import { Duration, RemovalPolicy, Validations } from 'aws-cdk-lib';
import { Role } from 'aws-cdk-lib/aws-iam';
import type { IFunction } from 'aws-cdk-lib/aws-lambda';
import { LogGroup, RetentionDays } from 'aws-cdk-lib/aws-logs';
import {
  DefinitionBody,
  Fail,
  type IChainable,
  LogLevel,
  QueryLanguage,
  StateMachine,
  StateMachineType,
  TaskInput,
} from 'aws-cdk-lib/aws-stepfunctions';
import { LambdaInvoke } from 'aws-cdk-lib/aws-stepfunctions-tasks';
import type { Construct } from 'constructs';
import type { Deployment } from '../../infrastructure/deployment/deployment.ts';
import { acknowledgeWildcards } from '../../infrastructure/kit/cdk/acknowledge-rules.construct.ts';
import { eventBridgeOfThisAccount } from '../../infrastructure/kit/cdk/event-bridge-principal.construct.ts';
import { retryPassingTrouble } from './workflow-retries.construct.ts';

export type WorkflowProps = {
  readonly definition: IChainable;
  readonly comment: string;
  /** The Lambdas that its states invoke. */
  readonly lambdas: readonly IFunction[];
  /** Whether each step is logged and traced, or errors alone are logged. */
  readonly history: Deployment['workflowHistory'];
};

/** An express workflow in JSONata with its history in CloudWatch Logs, without the data that flows through it. */
export class Workflow extends StateMachine {
  /** Of the rules that start it: EventBridge may use it for this account alone. */
  readonly starter: Role;

  constructor(scope: Construct, id: string, { definition, comment, lambdas, history }: WorkflowProps) {
    super(scope, id, {
      stateMachineType: StateMachineType.EXPRESS,
      queryLanguage: QueryLanguage.JSONATA,
      definitionBody: DefinitionBody.fromChainable(definition),
      comment,
      timeout: Duration.minutes(4),
      tracingEnabled: history === 'all',
      logs: {
        destination: new LogGroup(scope, `${id}Logs`, {
          retention: RetentionDays.ONE_MONTH,
          removalPolicy: RemovalPolicy.DESTROY,
        }),
        level: history === 'all' ? LogLevel.ALL : LogLevel.ERROR,
        includeExecutionData: false,
      },
    });
    if (history === 'errors') {
      const reason =
        'It costs for each job, and each function logs what it decides; workflowHistory: "all" turns it on.';
      for (const id of ['AwsSolutions-SF1', 'AwsSolutions-SF2']) Validations.of(this).acknowledge({ id, reason });
    }
    acknowledgeWildcards(
      this,
      'X-Ray and the delivery of logs know no resources: AWS documents the permission for all.',
      '*',
    );
    acknowledgeWildcards(
      this,
      'The CDK grants a state every version and alias of its function; ours have neither.',
      ...lambdas.map(({ functionArn }) => `${functionArn}:*`),
    );
    this.starter = new Role(this, 'Starter', { assumedBy: eventBridgeOfThisAccount(this) });
  }
}

/** The text of an error that was caught, as a JSONata expression; some errors have none. */
export function causeOf(error: string): string {
  return `{% $exists(${error}.Cause) ? ${error}.Cause : '' %}`;
}

/** Ends the workflow with the error of a state, in a state of this name. */
export function failWithErrorOf(state: LambdaInvoke, scope: Construct, name: string): void {
  const failed = Fail.jsonata(scope, name, {
    stateName: name,
    error: '{% $states.input.Error %}',
    cause: causeOf('$states.input'),
  });
  state.addCatch(failed, { outputs: '{% $states.errorOutput %}' });
}

export type LambdaStateProps = {
  readonly lambda: IFunction;
  /** JSONata expressions inside, such as `{% $event %}`. */
  readonly payload: Record<string, unknown> | string;
  /** Variables to keep for later states; `$states.result.Payload` is what the Lambda returned. */
  readonly assign?: Record<string, unknown>;
  /** What the state passes on instead of the answer. */
  readonly outputs?: string;
  readonly comment: string;
};

/** A state that invokes one of our Lambdas, waits for its answer, passes the answer on, and retries passing trouble. */
export function lambdaState(
  scope: Construct,
  name: string,
  { lambda, payload, assign, comment, outputs = '{% $states.result.Payload %}' }: LambdaStateProps,
): LambdaInvoke {
  const state = LambdaInvoke.jsonata(scope, name, {
    stateName: name,
    comment,
    lambdaFunction: lambda,
    payload: typeof payload === 'string' ? TaskInput.fromText(payload) : TaskInput.fromObject(payload),
    outputs,
    retryOnServiceExceptions: false,
    ...(assign ? { assign } : {}),
  });
  state.addRetry(retryPassingTrouble);
  return state;
}
