import { StateError } from './state-machine-errors.ts';
import type { State, StateMachineDefinition } from './state-machine-language.ts';
import type { TaskRunner } from './state-machine-tasks.ts';

/** A JSONata machine of these states; the first one begins. A state without `Next` is an end. */
export function machine(states: Readonly<Record<string, State>>): StateMachineDefinition {
  const ended = Object.entries(states).map(([name, state]) => {
    const hasEnd = !['Choice', 'Succeed', 'Fail'].includes(state.Type) && state.Next === undefined;
    return [name, hasEnd ? { ...state, End: true as const } : state] as const;
  });
  return { QueryLanguage: 'JSONata', StartAt: Object.keys(states)[0] ?? '', States: Object.fromEntries(ended) };
}

/** A Task that calls the function of this name with the state's input. */
export function task(functionName: string, rest: Partial<State> = {}): State {
  const Arguments = { FunctionName: functionName, Payload: '{% $states.input %}' };
  return { Type: 'Task', Resource: 'arn:aws:states:::lambda:invoke', Arguments, ...rest };
}

/** For machines without tasks. */
export const noTasks: TaskRunner = async (resource) => {
  throw new Error(`no task expected, but ${resource} was called`);
};

/** Fails with these errors, one for each call, and then answers. */
export function failing(errors: readonly string[], answer: unknown = 'done'): TaskRunner {
  const left = [...errors];
  return async () => {
    const error = left.shift();
    if (error !== undefined) throw new StateError(error, `${error} was asked for`);
    return answer;
  };
}
