import { describe, expect, it } from 'vitest';
import { runStateMachine } from './state-machine.ts';
import { machine, noTasks, task } from './state-machine-sample.ts';
import { routeTasks } from './state-machine-tasks.ts';

describe('data from state to state', () => {
  it('a Pass hands its input on, or its Output when it has one', async () => {
    const definition = machine({
      Keep: { Type: 'Pass', Next: 'Change' },
      Change: { Type: 'Pass', Output: { id: '{% $states.input.id %}', fixed: [1, '{% $states.input.id + 1 %}'] } },
    });
    const execution = await runStateMachine(definition, { id: 7 }, noTasks);
    expect(execution).toMatchObject({ status: 'SUCCEEDED', output: { id: 7, fixed: [1, 8] } });
    expect(execution.visited).toEqual(['Keep', 'Change']);
  });

  it('a state sees variables as they were when it was entered', async () => {
    const definition = machine({
      First: { Type: 'Pass', Assign: { x: 5 }, Next: 'Second' },
      Second: { Type: 'Pass', Assign: { x: 42, old: '{% $x %}' }, Output: '{% $x %}', Next: 'Third' },
      Third: { Type: 'Succeed', Output: { x: '{% $x %}', old: '{% $old %}', before: '{% $states.input %}' } },
    });
    const { output } = await runStateMachine(definition, {}, noTasks);
    expect(output).toEqual({ x: 42, old: 5, before: 5 });
  });

  it('a task gets its Arguments and hands its result on', async () => {
    const definition = machine({ Double: task('double', { Output: '{% $states.result.Payload.twice %}' }) });
    const lambdas = { double: ({ n }: { n: number }) => ({ twice: n * 2, nothing: undefined }) };
    expect(await runStateMachine(definition, { n: 4 }, routeTasks({ lambdas }))).toMatchObject({ output: 8 });
  });

  it('a result is the output of a task that has no Output, and its input the arguments without Arguments', async () => {
    const definition = machine({
      Direct: { Type: 'Task', Resource: 'arn:aws:lambda:eu-central-1:123456789012:function:Double1A2B' },
    });
    const lambdas = { Double: ({ n }: { n: number }) => ({ twice: n * 2 }) };
    expect(await runStateMachine(definition, { n: 4 }, routeTasks({ lambdas }))).toMatchObject({
      output: { twice: 8 },
    });
  });

  it('the context tells the execution, the state and the item of a Map', async () => {
    const item = {
      Type: 'Pass',
      Output: '{% $states.context.Map.Item.Index & $states.context.State.Name %}',
      End: true,
    };
    const definition = machine({
      Each: {
        Type: 'Map',
        Items: [true, true],
        ItemProcessor: { StartAt: 'One', States: { One: item as never } },
        Next: 'Name',
      },
      Name: { Type: 'Pass', Output: '{% [$states.input, $states.context.Execution.Name] %}' },
    });
    const { output } = await runStateMachine(definition, {}, noTasks, { executionName: 'job-1' });
    expect(output).toEqual(['0One', '1One', 'job-1']);
  });
});

describe('Choice', () => {
  const definition = machine({
    Which: {
      Type: 'Choice',
      Choices: [
        { Condition: "{% $states.input.type = 'EC2' %}", Next: 'Say', Output: 'instance', Assign: { by: 'rule' } },
        { Condition: '{% $exists($states.input.type) %}', Next: 'Say' },
      ],
      Default: 'Say',
      Output: 'nothing',
      Assign: { by: 'default' },
    },
    Say: { Type: 'Pass', Output: { input: '{% $states.input %}', by: "{% $exists($by) ? $by : 'nobody' %}" } },
  });

  it.each([
    ['the first rule that holds', { type: 'EC2' }, { input: 'instance', by: 'rule' }],
    ['no Output or Assign of its own for a rule that has none', { type: 'X' }, { input: { type: 'X' }, by: 'nobody' }],
    ['its own Output and Assign for the default', {}, { input: 'nothing', by: 'default' }],
  ])('takes %s', async (_, input, output) => {
    expect(await runStateMachine(definition, input, noTasks)).toMatchObject({ output });
  });

  it('without a match fails as States.Runtime, which no wildcard catches', async () => {
    const choice = { Type: 'Choice', Choices: [{ Condition: false, Next: 'End' }] };
    const inner = { StartAt: 'Never', States: { Never: choice, End: { Type: 'Succeed' } } };
    const definition = machine({
      Around: { Type: 'Parallel', Branches: [inner], Catch: [{ ErrorEquals: ['States.ALL'], Next: 'Caught' }] },
      Caught: { Type: 'Succeed' },
    });
    expect(await runStateMachine(definition, {}, noTasks)).toMatchObject({ status: 'FAILED', error: 'States.Runtime' });
  });

  it('wants true or false from its condition', async () => {
    const definition = machine({
      Which: { Type: 'Choice', Choices: [{ Condition: '{% $states.input.n %}', Next: 'End' }], Default: 'End' },
      End: { Type: 'Succeed' },
    });
    const { error, cause } = await runStateMachine(definition, { n: 1 }, noTasks);
    expect(error).toBe('States.QueryEvaluationError');
    expect(cause).toContain("'Choices[0]/Condition' must be true or false");
  });
});

describe('Wait and Fail', () => {
  it('a Wait passes virtual time', async () => {
    const definition = machine({
      Short: { Type: 'Wait', Seconds: '{% $states.input.seconds %}', Next: 'Long' },
      Long: { Type: 'Wait', Timestamp: '2030-01-01T00:01:00Z' },
    });
    expect((await runStateMachine(definition, { seconds: 20 }, noTasks)).waitedSeconds).toBe(60);
  });

  it('a Fail gives its error and cause', async () => {
    const definition = machine({ Stop: { Type: 'Fail', Error: '{% $states.input.name %}', Cause: 'no reason' } });
    const execution = await runStateMachine(definition, { name: 'JobGoneError' }, noTasks);
    expect(execution).toMatchObject({ status: 'FAILED', error: 'JobGoneError', cause: 'no reason', output: undefined });
  });
});

describe('Map and Parallel', () => {
  it('a Map runs its processor for each selected item, and iterations keep their variables to themselves', async () => {
    const processor = {
      StartAt: 'Remember',
      States: {
        Remember: { Type: 'Pass', Assign: { mine: '{% $states.input.item & $greeting %}' }, Next: 'Tell' },
        Tell: { Type: 'Succeed', Output: '{% $mine %}' },
      },
    };
    const definition = machine({
      Greet: { Type: 'Pass', Assign: { greeting: '!' }, Next: 'Each' },
      Each: {
        Type: 'Map',
        Items: '{% $states.input.names %}',
        ItemSelector: { item: '{% $states.context.Map.Item.Value %}' },
        ItemProcessor: processor,
        Output: { said: '{% $states.result %}' },
        Next: 'Leak',
      },
      Leak: { Type: 'Pass', Output: "{% $merge([$states.input, {'leaked': $exists($mine)}]) %}" },
    });
    const execution = await runStateMachine(definition, { names: ['a', 'b'] }, noTasks);
    expect(execution.output).toEqual({ said: ['a!', 'b!'], leaked: false });
    expect(execution.visited).toEqual(['Greet', 'Each', 'Remember', 'Tell', 'Remember', 'Tell', 'Leak']);
  });

  it('a Map refuses items that JSONata made of a list of one', async () => {
    const processor = { StartAt: 'One', States: { One: { Type: 'Succeed' } } };
    const definition = machine({
      Each: { Type: 'Map', Items: '{% $states.input.jobs.id %}', ItemProcessor: processor },
    });
    expect((await runStateMachine(definition, { jobs: [{ id: 1 }, { id: 2 }] }, noTasks)).output).toEqual([1, 2]);
    expect((await runStateMachine(definition, { jobs: [{ id: 1 }] }, noTasks)).error).toBe(
      'States.QueryEvaluationError',
    );
  });

  it('branches get the Arguments, wait side by side and give their outputs in order', async () => {
    const branch = (Seconds: number) => ({
      StartAt: `W${Seconds}`,
      States: { [`W${Seconds}`]: { Type: 'Wait', Seconds } },
    });
    const definition = machine({ Both: { Type: 'Parallel', Branches: [branch(9), branch(4)], Arguments: { a: 1 } } });
    const { output, waitedSeconds } = await runStateMachine(definition, {}, noTasks);
    expect(output).toEqual([{ a: 1 }, { a: 1 }]);
    expect(waitedSeconds).toBe(9);
  });

  it('the earliest failure of a branch is the failure of the Parallel', async () => {
    const branch = (name: string, Seconds: number) => ({
      StartAt: `Wait${name}`,
      States: { [`Wait${name}`]: { Type: 'Wait', Seconds, Next: name }, [name]: { Type: 'Fail', Error: name } },
    });
    const definition = machine({ Both: { Type: 'Parallel', Branches: [branch('Late', 9), branch('Early', 4)] } });
    expect(await runStateMachine(definition, {}, noTasks)).toMatchObject({ error: 'Early', waitedSeconds: 4 });
  });
});
