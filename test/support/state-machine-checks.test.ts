import { describe, expect, it } from 'vitest';
import { runStateMachine } from './state-machine.ts';
import {
  catchersOf,
  danglingTargets,
  unreachableStates,
  untakenCatchers,
  validateDefinition,
  worstRetrySeconds,
} from './state-machine-checks.ts';
import type { Flow, Json, State } from './state-machine-language.ts';
import { failing, machine, task } from './state-machine-sample.ts';

const retry = (IntervalSeconds: number, MaxAttempts: number) => [
  { ErrorEquals: ['States.ALL'], IntervalSeconds, MaxAttempts, BackoffRate: 1, JitterStrategy: 'FULL' },
];
const catchTo = (Next: string, error = 'States.ALL') => ({ ErrorEquals: [error], Next });
const processor = (state: State): Flow => ({ StartAt: 'Inner', States: { Inner: { ...state, End: true } } });

describe('worstRetrySeconds', () => {
  it('adds up the retriers of a state, with backoff, maximum and defaults', () => {
    const Retry = [
      { ErrorEquals: ['A'], IntervalSeconds: 2, MaxAttempts: 4, BackoffRate: 3, MaxDelaySeconds: 10 },
      { ErrorEquals: ['B'] },
    ];
    expect(worstRetrySeconds(machine({ One: task('one', { Retry }) }))).toBe(2 + 6 + 10 + 10 + (1 + 2 + 4));
  });

  it('takes the longest way, also through a Catch', () => {
    const definition = machine({
      One: task('one', { Retry: retry(5, 2), Catch: [catchTo('Slow')], Next: 'Quick' }),
      Quick: task('quick', { Retry: retry(1, 1), Next: 'End' }),
      Slow: task('slow', { Retry: retry(7, 3), Next: 'End' }),
      End: { Type: 'Succeed' },
    });
    expect(worstRetrySeconds(definition)).toBe(10 + 21);
  });

  it('counts the content of a Map or Parallel once for each attempt, side by side', () => {
    const Branches = [processor(task('a', { Retry: retry(3, 1) })), processor(task('b', { Retry: retry(4, 1) }))];
    expect(worstRetrySeconds(machine({ Both: { Type: 'Parallel', Branches, Retry: retry(10, 2) } }))).toBe(3 * 4 + 20);
  });

  it('is infinite for a loop that retries, and only for one', () => {
    const loop = (Retry: State['Retry'] = []) =>
      machine({ One: task('one', { Retry, Next: 'Two' }), Two: { Type: 'Pass', Next: 'One' } });
    expect(worstRetrySeconds(loop())).toBe(0);
    expect(worstRetrySeconds(loop(retry(1, 1)))).toBe(Number.POSITIVE_INFINITY);
  });

  it('is what an execution waits that uses up every retry', async () => {
    const definition = machine({ One: task('one', { Retry: [{ ErrorEquals: ['Busy'], IntervalSeconds: 4 }] }) });
    const { waitedSeconds } = await runStateMachine(definition, {}, failing(Array(4).fill('Busy')));
    expect(waitedSeconds).toBe(worstRetrySeconds(definition));
  });
});

describe('catchers', () => {
  const definition = machine({
    One: task('one', { Catch: [catchTo('Two', 'Gone'), catchTo('Two')], Next: 'Two' }),
    Two: { Type: 'Map', Items: [1], ItemProcessor: processor(task('in', { Catch: [catchTo('Inner')] })) },
  });

  it('lists each, at any depth', () => {
    expect(catchersOf(definition)).toEqual([
      { state: 'One', index: 0, errors: ['Gone'], next: 'Two' },
      { state: 'One', index: 1, errors: ['States.ALL'], next: 'Two' },
      { state: 'Inner', index: 0, errors: ['States.ALL'], next: 'Inner' },
    ]);
  });

  it('lists those that no execution took', async () => {
    const executions = [
      await runStateMachine(definition, {}, failing(['Gone'])),
      await runStateMachine(definition, {}, failing(['Other'])),
    ];
    expect(untakenCatchers(definition, executions)).toMatchObject([{ state: 'Inner', index: 0 }]);
  });
});

describe('the shape of a definition', () => {
  it('names transitions to nowhere and states that nothing leads to', () => {
    const definition = machine({
      One: task('one', { Catch: [catchTo('Lost')], Next: 'Which' }),
      Which: { Type: 'Choice', Choices: [{ Condition: true, Next: 'Lost' }], Default: 'Deep' },
      Deep: { Type: 'Map', ItemProcessor: processor({ Type: 'Pass', Next: 'One' }) },
      Island: { Type: 'Pass', Next: 'Beach' },
      Beach: { Type: 'Succeed' },
    });
    expect(danglingTargets(definition)).toEqual([
      { from: 'One', field: 'Catch[0].Next', target: 'Lost' },
      { from: 'Which', field: 'Choices[0].Next', target: 'Lost' },
      { from: 'Inner', field: 'Next', target: 'One' },
    ]);
    expect(unreachableStates(definition)).toEqual(['Island', 'Beach']);
    expect(danglingTargets({ StartAt: 'Nowhere', States: {} })).toMatchObject([
      { field: 'StartAt', target: 'Nowhere' },
    ]);
  });
});

describe('validateDefinition', () => {
  const faultsOf = (One: State) => validateDefinition(machine({ One, Two: { Type: 'Succeed' } }));

  it.each<[string, Json]>([
    ['an expression of several lines', '{% (\n  $x := 1;\n  $x\n) %}'],
    ['an empty string', { cause: '' }],
  ])('accepts %s, which asl-validator alone would not', (_, Output) => {
    expect(faultsOf({ Type: 'Pass', Output, Next: 'Two' })).toEqual([]);
  });

  it.each<[string, State, string]>([
    ['a misspelled field', { Type: 'Pass', Ouput: 1, Next: 'Two' } as unknown as State, '/States/One'],
    ['an expression without its $', { Type: 'Pass', Output: '{% job %}', Next: 'Two' }, "reference to 'job'"],
    ['a state that does not exist', { Type: 'Pass', Next: 'Three' }, 'One.Next leads to Three'],
    ['a state that cannot be reached', { Type: 'Pass' }, 'Two cannot be reached'],
    ['a resource that is no ARN', { Type: 'Task', Resource: 'lambda', Next: 'Two' }, '/States/One/Resource'],
  ])('names %s', (_, state, fault) => {
    expect(faultsOf(state).join('\n')).toContain(fault);
  });

  it('leaves the definition as it was', () => {
    const definition = machine({ One: { Type: 'Succeed' } });
    validateDefinition(definition);
    expect(definition.States.One).toEqual({ Type: 'Succeed' });
  });
});
