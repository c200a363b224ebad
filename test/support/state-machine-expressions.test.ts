import { describe, expect, it } from 'vitest';
import { runStateMachine } from './state-machine.ts';
import { DefinitionRefusedError } from './state-machine-errors.ts';
import type { Json, State } from './state-machine-language.ts';
import { refusalsOf } from './state-machine-refusals.ts';
import { machine, noTasks } from './state-machine-sample.ts';

const evaluate = (expression: string, input: Json = {}) => {
  return runStateMachine(machine({ Say: { Type: 'Pass', Output: { v: `{% ${expression} %}` } } }), input, noTasks);
};
const refusals = (state: State) => refusalsOf(machine({ One: state }));

describe('JSONata with the functions of Step Functions', () => {
  it.each<[string, Json]>([
    ['$parse(\'{"a": [1]}\')', { a: [1] }],
    ['$partition([1, 2, 3], 2.9)', [[1, 2], [3]]],
    ['$range(-1.7, 2, 1)', [-1, 0, 1, 2]],
    ['$range(6, 2, -3)', [6, 3]],
    ['$range(5, 5, 1)', 5],
    ["$hash('abc', 'SHA-1')", 'a9993e364706816aba3e25717850c26c9cd0d89d'],
    ['$random(7) = $random(7) and $random() < 1', true],
    ['$length($uuid())', 36],
    ['$string({"b": 1})', '{"b":1}'],
    ['null', null],
    ['[$states.input.one]', [1]],
    ['$states.input.list[id > 1].id', 2],
  ])('%s', async (expression, v) => {
    const input = { one: 1, list: [{ id: 1 }, { id: 2 }] };
    expect(await evaluate(expression, input)).toMatchObject({ status: 'SUCCEEDED', output: { v } });
  });

  it.each([
    '$states.input.absent',
    '$unassigned',
    '$partition([], 2)',
    '$partition([1], 0)',
    '$range(1, 3)',
    '$range(1, 3, -1)',
    '$range(1, 3, 0)',
    "$hash('abc')",
  ])('%s gives nothing, and nothing fails the state', async (expression) => {
    const { error, cause } = await evaluate(expression);
    expect(error).toBe('States.QueryEvaluationError');
    expect(cause).toContain("for the field 'Output/v' returned nothing (undefined)");
  });

  it.each([
    ['1 + "a"', 'must evaluate to a number'],
    ["$hash('abc', 'sha1')", 'not sha1'],
    ["$parse('{')", 'threw an error'],
    ["$error('as asked')", 'as asked'],
    ['function($x) { $x }', 'threw an error'],
  ])('%s fails the state', async (expression, cause) => {
    const execution = await evaluate(expression);
    expect(execution.error).toBe('States.QueryEvaluationError');
    expect(execution.cause).toContain(cause);
  });

  it('does not evaluate what only looks like an expression in the data', async () => {
    expect((await evaluate('$states.input', '{% 1 %}')).output).toEqual({ v: '{% 1 %}' });
  });
});

describe('what Step Functions refuses when the machine is created', () => {
  it.each([
    ['{% job.id %}', "reference to 'job' at the top level"],
    ['{% $map($states.input.a, function($x) { b }) %}', "reference to 'b' at the top level"],
    ['{% $ %}', "reference to '$' at the top level"],
    ['{% $$.a %}', "reference to '$$'"],
    ["{% $eval('1') %}", '$eval'],
    ['{% $states.input.a ?? 1 %}', '?? is newer'],
    ['{% $states.input.a ?: 1 %}', '?: is newer'],
    ['{% a[1,2) %}', 'Expected'],
    [' {% 1 %}', 'must begin with {%'],
    ['{% 1 %}.', 'must begin with {%'],
    ['{% $states.result.a %}', '$states.result does not exist'],
    ['{% [$states.errorOutput] %}', '$states.errorOutput does not exist'],
  ])('%s', async (expression, fault) => {
    const state: State = { Type: 'Pass', Output: { list: [expression] } };
    expect(refusals(state)).toEqual([expect.stringContaining(fault)]);
    await expect(runStateMachine(machine({ One: state }), {}, noTasks)).rejects.toThrow(DefinitionRefusedError);
  });

  it.each([
    '{% $states.input.list[id > 1].{ "name": name } %}',
    '{% $states.input.list^(>age).name %}',
    '{% $states.input.list{ name: $count(id) } %}',
    '{% $states.input ~> |list|{ "id": id + 1 }| %}',
    '{% $states.input.a ? 1 : 2 %}',
    '{% $states.input.list.($x := id; $x + 1) %}',
    '{% $states.context.Execution.Name %}',
  ])('accepts %s', (expression) => {
    expect(refusals({ Type: 'Pass', Output: expression })).toEqual([]);
  });

  it('the result belongs to Output and Assign of a task, the error to its Catch', () => {
    const result = '{% $states.result %}';
    const errorOutput = '{% $states.errorOutput %}';
    const Catch = [{ ErrorEquals: ['States.ALL'], Next: 'One', Output: errorOutput, Assign: { why: errorOutput } }];
    expect(refusals({ Type: 'Task', Output: result, Assign: { a: result }, Catch })).toEqual([]);
    expect(refusals({ Type: 'Task', Arguments: result })).toHaveLength(1);
    expect(refusals({ Type: 'Task', Output: errorOutput })).toHaveLength(1);
    expect(refusals({ Type: 'Choice', Choices: [{ Condition: result, Next: 'One' }] })).toHaveLength(1);
  });

  it('refuses JSONPath states and their fields', async () => {
    const path = { ...machine({ One: { Type: 'Pass' } }), QueryLanguage: 'JSONPath' };
    await expect(runStateMachine(path, {}, noTasks)).rejects.toThrow('One: its query language is JSONPath');
    expect(refusals({ Type: 'Pass', ResultPath: '$.a' } as State)).toEqual([expect.stringContaining('ResultPath')]);
  });

  it('refuses an inner scope that assigns a variable of an outer one, but not the same name in two branches', () => {
    const branch = (variable: string) => ({
      StartAt: 'In',
      States: { In: { Type: 'Pass', Assign: { [variable]: 1 } } },
    });
    const both: State = { Type: 'Parallel', Branches: [branch('x'), branch('x')] };
    expect(refusals({ ...both, Assign: { y: 1 } })).toEqual([]);
    const Catch = [{ ErrorEquals: ['States.ALL'], Next: 'One', Assign: { x: 1 } }];
    expect(refusals({ ...both, Catch })).toEqual([expect.stringContaining('$x'), expect.stringContaining('$x')]);
  });

  it('refuses to go in circles', async () => {
    const circle = machine({ One: { Type: 'Pass', Next: 'Two' }, Two: { Type: 'Pass', Next: 'One' } });
    await expect(runStateMachine(circle, {}, noTasks)).rejects.toThrow('No end after');
  });
});
