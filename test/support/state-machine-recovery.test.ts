import { describe, expect, it } from 'vitest';
import { runStateMachine } from './state-machine.ts';
import { StateError } from './state-machine-errors.ts';
import type { State } from './state-machine-language.ts';
import { failing, machine, noTasks, task } from './state-machine-sample.ts';
import { routeTasks, UnroutedTaskError } from './state-machine-tasks.ts';

const guarded = (rest: Partial<State>) => machine({ Work: task('work', rest), Rescue: { Type: 'Pass' } });
const catchAll = [{ ErrorEquals: ['States.ALL'], Next: 'Rescue' }];

class JobGoneError extends Error {
  override readonly name = 'JobGoneError';
}

describe('Retry', () => {
  it('waits longer each time, up to the most that it may', async () => {
    const Retry = [{ ErrorEquals: ['Busy'], IntervalSeconds: 3, MaxAttempts: 4, BackoffRate: 2, MaxDelaySeconds: 10 }];
    const execution = await runStateMachine(guarded({ Retry }), {}, failing(['Busy', 'Busy', 'Busy', 'Busy']));
    expect(execution).toMatchObject({ status: 'SUCCEEDED', output: 'done', waitedSeconds: 3 + 6 + 10 + 10 });
    expect(execution.retries.map(({ attempt, delaySeconds }) => [attempt, delaySeconds])).toEqual([
      [1, 3],
      [2, 6],
      [3, 10],
      [4, 10],
    ]);
  });

  it('counts for each retrier alone, and a used-up one hands over to Catch (the example of the specification)', async () => {
    const Retry = [
      { ErrorEquals: ['ErrorA', 'ErrorB'], IntervalSeconds: 1, BackoffRate: 2, MaxAttempts: 2 },
      { ErrorEquals: ['ErrorC'], IntervalSeconds: 5 },
    ];
    const tasks = failing(['ErrorA', 'ErrorB', 'ErrorC', 'ErrorB']);
    const execution = await runStateMachine(guarded({ Retry, Catch: catchAll }), {}, tasks);
    expect(execution.retries.map(({ delaySeconds }) => delaySeconds)).toEqual([1, 2, 5]);
    expect(execution.catches).toMatchObject([{ state: 'Work', index: 0, error: 'ErrorB', next: 'Rescue' }]);
    expect(execution.visited).toEqual(['Work', 'Rescue']);
  });

  it('tells the task and its expressions how often it was retried', async () => {
    const counts: unknown[] = [];
    const Arguments = '{% $states.context.State.RetryCount %}';
    const definition = guarded({ Arguments, Retry: [{ ErrorEquals: ['States.TaskFailed'] }] });
    await runStateMachine(definition, {}, async (_, input, { retryCount }) => {
      counts.push([input, retryCount]);
      if (retryCount < 2) throw new StateError('Busy');
    });
    expect(counts).toEqual([
      [0, 0],
      [1, 1],
      [2, 2],
    ]);
  });

  it('never retries States.Runtime', async () => {
    const Retry = [{ ErrorEquals: ['States.Runtime'] }];
    expect(await runStateMachine(guarded({ Retry }), {}, failing(['States.Runtime']))).toMatchObject({ retries: [] });
  });

  it('runs a whole Map again', async () => {
    const tasks = failing(['Busy']);
    const ItemProcessor = { StartAt: 'Work', States: { Work: task('work', { End: true }) } };
    const Retry = [{ ErrorEquals: ['Busy'], IntervalSeconds: 2 }];
    const definition = machine({ Each: { Type: 'Map', Items: [1, 2], ItemProcessor, Retry } });
    const execution = await runStateMachine(definition, {}, tasks);
    expect(execution.output).toEqual(['done', 'done']);
    expect(execution.visited).toEqual(['Each', 'Work', 'Work', 'Work', 'Work']);
  });
});

describe('Catch', () => {
  it('hands the error on as the next input, or its own Output, and may assign', async () => {
    const Catch = [
      {
        ErrorEquals: ['JobGoneError'],
        Next: 'Told',
        Output: { why: '{% $states.errorOutput.Error %}', job: '{% $states.input.job %}' },
        Assign: { reason: '{% $states.errorOutput.Cause %}' },
      },
      ...catchAll,
    ];
    const definition = machine({
      Work: task('work', { Catch }),
      Told: { Type: 'Pass', Output: '{% [$states.input, $reason] %}' },
      Rescue: { Type: 'Pass' },
    });
    const told = await runStateMachine(definition, { job: 3 }, failing(['JobGoneError']));
    expect(told.output).toEqual([{ why: 'JobGoneError', job: 3 }, 'JobGoneError was asked for']);
    const rescued = await runStateMachine(definition, { job: 3 }, failing(['Other']));
    expect(rescued.output).toEqual({ Error: 'Other', Cause: 'Other was asked for' });
  });

  it.each([
    ['States.ALL', 'Anything', true],
    ['States.ALL', 'States.Timeout', true],
    ['States.ALL', 'States.DataLimitExceeded', false],
    ['States.ALL', 'States.Runtime', false],
    ['States.TaskFailed', 'Anything', true],
    ['States.TaskFailed', 'States.Timeout', false],
    ['States.TaskFailed', 'States.DataLimitExceeded', false],
    ['States.DataLimitExceeded', 'States.DataLimitExceeded', true],
    ['Other', 'Anything', false],
  ])('%s against %s', async (named, error, caught) => {
    const definition = guarded({ Catch: [{ ErrorEquals: [named], Next: 'Rescue' }] });
    const execution = await runStateMachine(definition, {}, failing([error]));
    expect(execution.status).toBe(caught ? 'SUCCEEDED' : 'FAILED');
    expect(execution.catches).toHaveLength(caught ? 1 : 0);
  });

  it("catches what the state's own Arguments and Output fail with", async () => {
    for (const field of ['Arguments', 'Output'] as const) {
      const definition = guarded({ [field]: { v: '{% $states.input.absent %}' }, Catch: catchAll });
      const [caught] = (await runStateMachine(definition, {}, failing([]))).catches;
      expect(caught?.error).toBe('States.QueryEvaluationError');
      expect(caught?.cause).toContain(`for the field '${field}/v' returned nothing (undefined)`);
    }
  });

  it('does not catch what its own Output fails with', async () => {
    const Catch = [{ ErrorEquals: ['States.ALL'], Next: 'Rescue', Output: '{% $states.input.absent %}' }];
    const execution = await runStateMachine(guarded({ Catch }), {}, failing(['Busy']));
    expect(execution).toMatchObject({ status: 'FAILED', error: 'States.QueryEvaluationError' });
  });
});

describe('payloads', () => {
  it.each([
    [262_144 - 2, 'SUCCEEDED', undefined],
    [262_144 - 1, 'FAILED', 'States.DataLimitExceeded'],
  ])('%d characters in quotes end as %s', async (length, status, error) => {
    const execution = await runStateMachine(guarded({ Catch: catchAll }), {}, async () => 'x'.repeat(length));
    expect(execution).toMatchObject({ status, error });
  });

  it('an execution refuses a large input', async () => {
    const execution = await runStateMachine(machine({ Pass: { Type: 'Pass' } }), 'ä'.repeat(131_072), noTasks);
    expect(execution.error).toBe('States.DataLimitExceeded');
  });
});

describe('routed tasks', () => {
  const run = (lambda: () => unknown, rest: Partial<State> = {}) =>
    runStateMachine(guarded(rest), {}, routeTasks({ lambdas: { work: lambda } }));
  const throwing = (error: Error) => () => {
    throw error;
  };

  it("reports a Lambda's exception as Lambda does", async () => {
    const { error, cause } = await run(throwing(new JobGoneError('job 7 is gone')));
    expect(error).toBe('JobGoneError');
    expect(JSON.parse(String(cause))).toMatchObject({ errorType: 'JobGoneError', errorMessage: 'job 7 is gone' });
  });

  it('reports an error of the Lambda service with its plain message', async () => {
    const busy = Object.assign(new Error('Rate exceeded'), { name: 'Lambda.TooManyRequestsException' });
    expect(await run(throwing(busy))).toMatchObject({ error: busy.name, cause: 'Rate exceeded' });
  });

  it('an Event invocation never sees what the function does', async () => {
    const Arguments = { FunctionName: 'work', InvocationType: 'Event' };
    const execution = await run(throwing(new JobGoneError('later')), { Arguments });
    expect(execution).toMatchObject({ status: 'SUCCEEDED', output: { StatusCode: 202 } });
    const busy = Object.assign(new Error('Rate exceeded'), { name: 'Lambda.TooManyRequestsException' });
    expect((await run(throwing(busy), { Arguments })).error).toBe(busy.name);
  });

  it('calls other services by their integration, whose errors keep their message', async () => {
    const Arguments = { QueueUrl: 'https://sqs.example/queue', MessageBody: { job: 1 } };
    const definition = guarded({ Resource: 'arn:aws:states:::sqs:sendMessage', Arguments });
    const sendMessage = ({ MessageBody }: { MessageBody: unknown }) => ({ MessageId: JSON.stringify(MessageBody) });
    const sent = await runStateMachine(definition, {}, routeTasks({ services: { 'sqs:sendMessage': sendMessage } }));
    expect(sent.output).toEqual({ MessageId: '{"job":1}' });
    const refuse = throwing(Object.assign(new Error('no such queue'), { name: 'SQS.QueueDoesNotExistException' }));
    const refused = await runStateMachine(definition, {}, routeTasks({ services: { 'sqs:sendMessage': refuse } }));
    expect(refused).toMatchObject({ error: 'SQS.QueueDoesNotExistException', cause: 'no such queue' });
  });

  it('fails the test, past every Catch, when a fake is missing or an expectation in it is not met', async () => {
    const Catch = catchAll;
    await expect(runStateMachine(guarded({ Catch }), {}, routeTasks({}))).rejects.toThrow(UnroutedTaskError);
    await expect(run(() => expect(1).toBe(2), { Catch })).rejects.toThrow('expected 1 to be 2');
  });

  it('prefers the fake that names more of the function', async () => {
    const lambdas = { Choose: () => 'short', ChooseRunner: () => 'long' };
    const definition = machine({ Work: task('stack-ChooseRunner0815', { Output: '{% $states.result.Payload %}' }) });
    expect(await runStateMachine(definition, {}, routeTasks({ lambdas }))).toMatchObject({ output: 'long' });
  });
});
