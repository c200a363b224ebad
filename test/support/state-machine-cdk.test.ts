import { App, Duration, Stack } from 'aws-cdk-lib';
import { Template } from 'aws-cdk-lib/assertions';
import { AttributeType, Table } from 'aws-cdk-lib/aws-dynamodb';
import { Code, Function as LambdaFunction, Runtime } from 'aws-cdk-lib/aws-lambda';
import { Queue } from 'aws-cdk-lib/aws-sqs';
import {
  Choice,
  Condition,
  DefinitionBody,
  Fail,
  type IChainable,
  JitterType,
  Map as MapState,
  ProvideItems,
  QueryLanguage,
  StateMachine,
  StateMachineType,
  Succeed,
  TaskInput,
} from 'aws-cdk-lib/aws-stepfunctions';
import {
  DynamoAttributeValue,
  DynamoUpdateItem,
  LambdaInvocationType,
  LambdaInvoke,
  SqsSendMessage,
} from 'aws-cdk-lib/aws-stepfunctions-tasks';
import { describe, expect, it } from 'vitest';
import { runStateMachine } from './state-machine.ts';
import { catchersOf, untakenCatchers, validateDefinition, worstRetrySeconds } from './state-machine-checks.ts';
import { routeTasks } from './state-machine-tasks.ts';
import { definitionFromTemplate } from './state-machine-template.ts';

function lambda(stack: Stack, id: string): LambdaFunction {
  return new LambdaFunction(stack, id, {
    runtime: Runtime.NODEJS_24_X,
    handler: 'index.handler',
    code: Code.fromInline('-'),
  });
}

function expressWorkflow(stack: Stack, id: string, first: IChainable): StateMachine {
  return new StateMachine(stack, id, {
    stateMachineType: StateMachineType.EXPRESS,
    queryLanguage: QueryLanguage.JSONATA,
    definitionBody: DefinitionBody.fromChainable(first),
  });
}

/** Choose a runner, then a Lambda or a message for an instance, then mark every item; whatever fails is abandoned. */
function startWorkflow(): Template {
  const stack = new Stack(new App(), 'Autoscaler');
  const gone = Succeed.jsonata(stack, 'Ignored', { outputs: { outcome: 'ignored' } });
  const failed = Fail.jsonata(stack, 'Failed', {
    error: '{% $why.Error %}',
    cause: "{% 'job ' & $job.id & ': ' & $why.Cause %}",
  });
  const abandon = LambdaInvoke.jsonata(stack, 'AbandonRunner', {
    lambdaFunction: lambda(stack, 'AbandonRunnerFunction'),
    retryOnServiceExceptions: false,
  }).next(failed);
  const onError = { outputs: { job: '{% $job %}' }, assign: { why: '{% $states.errorOutput %}' } };

  const choose = LambdaInvoke.jsonata(stack, 'ChooseRunner', {
    lambdaFunction: lambda(stack, 'ChooseRunnerFunction'),
    payload: TaskInput.fromObject({ job: '{% $states.input.detail.job %}' }),
    outputs: '{% $states.result.Payload %}',
    assign: { job: '{% $states.input.detail.job %}' },
    retryOnServiceExceptions: false,
  });
  choose.addRetry({
    errors: ['Lambda.TooManyRequestsException', 'GitLabBusyError'],
    interval: Duration.seconds(1),
    backoffRate: 3,
    maxAttempts: 4,
    maxDelay: Duration.seconds(5),
    jitterStrategy: JitterType.FULL,
  });
  choose.addCatch(gone, { errors: ['JobGoneError'] });
  choose.addCatch(failed, { assign: { why: '{% $states.errorOutput %}', job: '{% $states.input.detail.job %}' } });

  const invoke = LambdaInvoke.jsonata(stack, 'InvokeLambdaRunner', {
    lambdaFunction: lambda(stack, 'LambdaRunner'),
    invocationType: LambdaInvocationType.EVENT,
    retryOnServiceExceptions: false,
    outputs: { items: [] },
  }).addCatch(abandon, onError);
  const request = SqsSendMessage.jsonata(stack, 'RequestInstance', {
    queue: new Queue(stack, 'LaunchQueue'),
    messageBody: TaskInput.fromObject({ job: '{% $job.id %}', profile: '{% $states.input.profile %}' }),
    outputs: { items: ['{% $states.result.MessageId %}'] },
  }).addCatch(abandon, onError);
  const table = new Table(stack, 'Runners', { partitionKey: { name: 'pk', type: AttributeType.STRING } });
  const mark = DynamoUpdateItem.jsonata(stack, 'MarkItem', {
    table,
    key: { pk: DynamoAttributeValue.fromString("{% 'job#' & $states.input.id %}") },
    updateExpression: 'SET #state = :state',
    expressionAttributeNames: { '#state': 'state' },
    expressionAttributeValues: { ':state': DynamoAttributeValue.fromString('LAUNCHED') },
    outputs: '{% $states.input.id %}',
  });
  const markAll = MapState.jsonata(stack, 'MarkAll', {
    items: ProvideItems.jsonata('{% $states.input.items %}'),
    itemSelector: { id: '{% $states.context.Map.Item.Value %}' },
    outputs: { outcome: 'started', marked: '{% $states.result %}' },
  })
    .itemProcessor(mark)
    .addCatch(abandon, onError);

  const byType = Choice.jsonata(stack, 'ByType')
    .when(Condition.jsonata("{% $states.input.type = 'LAMBDA' %}"), invoke)
    .when(Condition.jsonata("{% $states.input.type = 'EC2' %}"), request)
    .otherwise(gone);
  invoke.next(markAll);
  request.next(markAll);
  expressWorkflow(stack, 'StartRunner', choose.next(byType));
  return Template.fromStack(stack);
}

const named = (name: string, message = 'as asked') => Object.assign(new Error(message), { name });
const throwing = (error: Error) => () => {
  throw error;
};

describe('a workflow that CDK synthesized', () => {
  const definition = definitionFromTemplate(startWorkflow(), 'StartRunner');
  const marked: unknown[] = [];
  const working = {
    lambdas: {
      ChooseRunner: ({ job }: { job: { type: string } }): unknown => ({ type: job.type, profile: 'default' }),
      AbandonRunner: ({ job }: { job: unknown }): unknown => job,
      LambdaRunner: (): unknown => null,
    },
    services: {
      'sqs:sendMessage': ({ MessageBody }: { MessageBody: { job: number } }): unknown => ({
        MessageId: `m-${MessageBody.job}`,
      }),
      'dynamodb:updateItem': ({ Key }: { Key: unknown }): unknown => marked.push(Key),
    },
  };
  const run = (type: string, broken: Partial<Record<string, () => unknown>> = {}) => {
    const swap = <T extends object>(fakes: T) =>
      Object.fromEntries(Object.entries(fakes).map(([key, fake]) => [key, broken[key] ?? fake]));
    const tasks = routeTasks({ lambdas: swap(working.lambdas), services: swap(working.services) });
    return runStateMachine(definition, { detail: { job: { id: 7, type } } }, tasks);
  };

  it('is valid, and its retries end in time', () => {
    expect(validateDefinition(definition)).toEqual([]);
    expect(worstRetrySeconds(definition)).toBe(1 + 3 + 5 + 5);
  });

  it('runs along each of its ways', async () => {
    expect(await run('EC2')).toMatchObject({ output: { outcome: 'started', marked: ['m-7'] } });
    expect(marked).toEqual([{ pk: { S: 'job#m-7' } }]);
    expect(await run('LAMBDA')).toMatchObject({ output: { outcome: 'started', marked: [] } });
    const ignored = await run('IGNORE');
    expect(ignored.visited).toEqual(['ChooseRunner', 'ByType', 'Ignored']);
  });

  it('takes each of its catches', async () => {
    const executions = [
      await run('EC2', { ChooseRunner: throwing(named('JobGoneError')) }),
      await run('EC2', { ChooseRunner: throwing(named('GitLabBusyError')) }),
      await run('LAMBDA', { LambdaRunner: throwing(named('Lambda.TooManyRequestsException')) }),
      await run('EC2', { 'sqs:sendMessage': throwing(named('SQS.SdkClientException')) }),
      await run('EC2', { 'dynamodb:updateItem': throwing(named('DynamoDB.ThrottlingException', 'slow down')) }),
    ];
    expect(catchersOf(definition)).toHaveLength(5);
    expect(untakenCatchers(definition, executions)).toEqual([]);
    expect(executions.map(({ status }) => status)).toEqual(['SUCCEEDED', ...Array(4).fill('FAILED')]);
    expect(executions[1]).toMatchObject({ error: 'GitLabBusyError', waitedSeconds: 14 });
    expect(executions[4]).toMatchObject({ error: 'DynamoDB.ThrottlingException', cause: 'job 7: slow down' });
  });
});
