import { refuseLargePayload } from './state-machine-errors.ts';
import { type Bindings, evaluateField } from './state-machine-expressions.ts';
import type { Catcher, Json, State } from './state-machine-language.ts';
import type { TaskRunner } from './state-machine-tasks.ts';

/** A Catch that was taken; `index` is its place in the state's list. */
export interface CaughtError {
  readonly state: string;
  readonly index: number;
  readonly error: string | undefined;
  readonly cause: string | undefined;
  readonly next: string;
}

/** One retry: `attempt` counts from 1 for each visit of the state. */
export interface RetriedError {
  readonly state: string;
  readonly error: string | undefined;
  readonly attempt: number;
  readonly delaySeconds: number;
}

/** What one execution shares between all its states. */
export interface Run {
  readonly tasks: TaskRunner;
  readonly passTime: ((seconds: number, why: 'wait' | 'retry') => Promise<void>) | undefined;
  readonly context: { readonly [key: string]: Json };
  readonly startTime: Date;
  readonly visited: string[];
  readonly catches: CaughtError[];
  readonly retries: RetriedError[];
}

/** What the states of one flow share: their variables, their clock, and the item of a Map. */
export interface Scope {
  readonly variables: Map<string, Json>;
  readonly outer: Scope | undefined;
  readonly mapItem: { readonly [key: string]: Json };
  clockSeconds: number;
}

/** What a state hands on, and to which state; none means that its flow ends here. */
export interface Step {
  readonly output: Json;
  readonly next: string | undefined;
}

/** One visit of one state. */
export interface Visit {
  readonly name: string;
  readonly state: State;
  readonly input: Json;
  readonly scope: Scope;
  readonly run: Run;
}

/** Evaluates `Output` and `Assign` of a state, choice rule or catcher; both see the variables as they were on entry. */
export async function finish(
  visit: Visit,
  { Output, Assign = {} }: Pick<Catcher, 'Output' | 'Assign'>,
  defaultOutput: Json,
  prefix: string,
  next: string | undefined,
  extra: Bindings['states'] = {},
): Promise<Step> {
  const bindings = bindingsOf(visit, extra);
  const output = Output === undefined ? defaultOutput : await evaluateField(Output, `${prefix}Output`, bindings);
  const assigned = (await evaluateField(Assign, `${prefix}Assign`, bindings)) as Readonly<Record<string, Json>>;
  refuseLargePayload(output, `The output of the state '${visit.name}'`);
  refuseLargePayload(assigned, `What the state '${visit.name}' assigns`);
  for (const [variable, value] of Object.entries(assigned)) visit.scope.variables.set(variable, value);
  return { output, next };
}

/** What the expressions of a state can read; `extra` is `result` or `errorOutput`, where there is one. */
export function bindingsOf(
  { name, input, scope, run }: Visit,
  extra: Bindings['states'] = {},
  retryCount = 0,
): Bindings {
  const entered = new Date(run.startTime.getTime() + scope.clockSeconds * 1000).toISOString();
  const state = { Name: name, EnteredTime: entered, RetryCount: retryCount };
  return {
    states: { input, context: { ...run.context, ...scope.mapItem, State: state }, ...extra },
    variables: variablesOf(scope),
  };
}

function variablesOf({ variables, outer }: Scope): Readonly<Record<string, Json>> {
  return { ...(outer ? variablesOf(outer) : {}), ...Object.fromEntries(variables) };
}
