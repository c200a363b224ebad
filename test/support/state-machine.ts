import { refuseLargePayload, StateError } from './state-machine-errors.ts';
import { runFlow } from './state-machine-flow.ts';
import type { Json, StateMachineDefinition } from './state-machine-language.ts';
import { refuseUnsupported } from './state-machine-refusals.ts';
import type { TaskRunner } from './state-machine-tasks.ts';
import type { CaughtError, RetriedError, Run, Scope } from './state-machine-visit.ts';

/** What an execution did. */
export interface Execution {
  readonly status: 'SUCCEEDED' | 'FAILED';
  /** Of a success only. */
  readonly output: Json | undefined;
  /** Of a failure only, as is the cause. */
  readonly error: string | undefined;
  readonly cause: string | undefined;
  /**
   * The states in the order in which they were entered; those of a Map or Parallel after it, one iteration after the
   * other.
   */
  readonly visited: readonly string[];
  readonly catches: readonly CaughtError[];
  readonly retries: readonly RetriedError[];
  /** Virtual time: waits and retry delays of the slowest path, jitter at its maximum. Tasks take no time. */
  readonly waitedSeconds: number;
}

export interface ExecutionOptions {
  readonly executionName?: string;
  readonly startTime?: string;
  /**
   * Lets waits and the delays before retries really pass, in somebody's time; the iterations of a Map and the branches
   * of a Parallel then run side by side.
   */
  readonly passTime?: Run['passTime'];
}

/** Definitions that were looked at already. */
const supported = new WeakSet<StateMachineDefinition>();

/**
 * Executes a JSONata state machine as Step Functions would, with tasks that the test answers and time that passes at
 * once. Map iterations and branches run one after the other, each to its end; `MaxConcurrency` and the timeouts of
 * tasks have no effect. Every answer, argument and output passes through JSON.
 *
 * @param tasks answers the Task states; see `routeTasks` for answers by function or service
 * @throws {DefinitionRefusedError} when Step Functions would refuse the definition, or it never ends
 * @throws whatever is wrong with the test itself (an `AssertionError` or `UnroutedTaskError` of a task)
 */
export async function runStateMachine(
  definition: StateMachineDefinition,
  input: Json,
  tasks: TaskRunner,
  { executionName = 'test-execution', startTime = '2030-01-01T00:00:00.000Z', passTime }: ExecutionOptions = {},
): Promise<Execution> {
  if (!supported.has(definition)) refuseUnsupported(definition);
  supported.add(definition);
  const machine = 'arn:aws:states:eu-central-1:123456789012:stateMachine:under-test';
  const execution = { Id: `${machine.replace('stateMachine', 'express')}:${executionName}`, Name: executionName };
  const run: Run = {
    tasks,
    passTime,
    startTime: new Date(startTime),
    context: {
      Execution: {
        ...execution,
        Input: input,
        StartTime: startTime,
        RoleArn: 'arn:aws:iam::123456789012:role/under-test',
      },
      StateMachine: { Id: machine, Name: 'under-test' },
    },
    visited: [],
    catches: [],
    retries: [],
  };
  const scope: Scope = { variables: new Map(), outer: undefined, mapItem: {}, clockSeconds: 0 };
  const seen = ({ visited, catches, retries }: Run) => ({
    visited,
    catches,
    retries,
    waitedSeconds: scope.clockSeconds,
  });
  try {
    refuseLargePayload(input, 'The input of the execution');
    const output = await runFlow(definition, JSON.parse(JSON.stringify(input)), scope, run);
    return { status: 'SUCCEEDED', output, error: undefined, cause: undefined, ...seen(run) };
  } catch (error) {
    if (!(error instanceof StateError)) throw error;
    return { status: 'FAILED', output: undefined, error: error.error, cause: error.errorCause, ...seen(run) };
  }
}
