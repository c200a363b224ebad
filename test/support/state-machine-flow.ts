import {
  DefinitionRefusedError,
  queryEvaluationError,
  refuseLargePayload,
  runtimeError,
  StateError,
} from './state-machine-errors.ts';
import {
  evaluateField,
  evaluateTyped,
  isBoolean,
  isList,
  isString,
  isWholeSeconds,
} from './state-machine-expressions.ts';
import type { Flow, Json, State } from './state-machine-language.ts';
import { withRecovery } from './state-machine-recovery.ts';
import { isAssertion, UnroutedTaskError } from './state-machine-tasks.ts';
import { bindingsOf, finish, type Run, type Scope, type Step, type Visit } from './state-machine-visit.ts';

/** More than any workflow of ours visits: an execution that comes this far goes in circles. */
const maxVisits = 10_000;

/** Runs the states of a machine, branch or iteration from the first to a terminal one, and gives its output. */
export async function runFlow(flow: Flow, input: Json, scope: Scope, run: Run): Promise<Json> {
  let name: string | undefined = flow.StartAt;
  let data = input;
  while (name !== undefined) {
    const state = flow.States[name];
    if (!state) throw new DefinitionRefusedError(`There is no state ${name}, though another goes there.`);
    run.visited.push(name);
    if (run.visited.length > maxVisits)
      throw new DefinitionRefusedError(`No end after ${maxVisits} states; last: ${name}.`);
    const { output, next } = await runState(name, state, data, scope, run);
    data = output;
    name = next;
  }
  return data;
}

/** Enters a state and does what its type asks for. */
async function runState(name: string, state: State, input: Json, scope: Scope, run: Run): Promise<Step> {
  const visit: Visit = { name, state, input, scope, run };
  switch (state.Type) {
    case 'Task':
      return withRecovery(visit, (retryCount) => runTask(visit, retryCount));
    case 'Parallel':
      return withRecovery(visit, () => runParallel(visit));
    case 'Map':
      return withRecovery(visit, () => runMap(visit));
    case 'Choice':
      return choose(visit);
    case 'Wait':
      return wait(visit);
    case 'Fail':
      throw await failure(visit);
    default:
      return finish(visit, state, input, '', state.Next);
  }
}

async function runTask(visit: Visit, retryCount: number): Promise<Json> {
  const { name, state, scope, run } = visit;
  const { Arguments = '{% $states.input %}', Resource = '' } = state;
  const args = await evaluateField(Arguments, 'Arguments', bindingsOf(visit, {}, retryCount));
  refuseLargePayload(args, `The arguments of the state '${name}'`);
  const context = { state: name, retryCount, waitedSeconds: scope.clockSeconds };
  try {
    const result = await run.tasks(Resource, JSON.parse(JSON.stringify(args)), context);
    return JSON.parse(JSON.stringify(result ?? null));
  } catch (error) {
    const fromTest = isAssertion(error) || error instanceof UnroutedTaskError || !(error instanceof Error);
    throw fromTest || error instanceof StateError ? error : new StateError(error.name, error.message, { cause: error });
  }
}

async function runParallel(visit: Visit): Promise<Json> {
  const { state } = visit;
  const argument = await evaluateField(state.Arguments ?? '{% $states.input %}', 'Arguments', bindingsOf(visit));
  const branches = (state.Branches ?? []).map((flow) => ({
    flow,
    input: argument,
    mapItem: visit.scope.mapItem,
  }));
  return runSideBySide(visit, branches);
}

async function runMap(visit: Visit): Promise<Json> {
  const { state, scope } = visit;
  const bindings = bindingsOf(visit);
  const { Items = '{% $states.input %}', ItemSelector, ItemProcessor } = state;
  const items = await evaluateTyped(Items, 'Items', bindings, isList, 'a list');
  const iterations = items.map(async (item, index) => {
    const mapItem = { ...scope.mapItem, Map: { Item: { Index: index, Value: item } } };
    const itemVisit = { ...visit, scope: { ...scope, mapItem } };
    const selected =
      ItemSelector === undefined ? item : await evaluateField(ItemSelector, 'ItemSelector', bindingsOf(itemVisit));
    return { flow: ItemProcessor as Flow, input: selected, mapItem };
  });
  return runSideBySide(visit, await Promise.all(iterations));
}

/**
 * Runs flows that AWS would run at the same time: the slowest sets the clock, or the earliest failure ends them all.
 */
async function runSideBySide(
  { scope, run }: Visit,
  flows: readonly { readonly flow: Flow; readonly input: Json; readonly mapItem: Scope['mapItem'] }[],
): Promise<Json> {
  const results: Json[] = [];
  const failures: { readonly error: StateError; readonly atSeconds: number }[] = [];
  let slowestSeconds = scope.clockSeconds;
  const runOne = async ({ flow, input, mapItem }: (typeof flows)[number], index: number) => {
    const inner: Scope = { variables: new Map(), outer: scope, mapItem, clockSeconds: scope.clockSeconds };
    try {
      results[index] = await runFlow(flow, input, inner, run);
    } catch (error) {
      if (!(error instanceof StateError)) throw error;
      failures.push({ error, atSeconds: inner.clockSeconds });
    }
    slowestSeconds = Math.max(slowestSeconds, inner.clockSeconds);
  };
  if (run.passTime) await Promise.all(flows.map(runOne));
  else for (const [index, flow] of flows.entries()) await runOne(flow, index);
  const [earliest] = failures.sort((one, other) => one.atSeconds - other.atSeconds);
  scope.clockSeconds = earliest?.atSeconds ?? slowestSeconds;
  if (earliest) throw earliest.error;
  return results;
}

/** The first rule that holds; the state's own `Output` and `Assign` belong to its `Default` alone. */
async function choose(visit: Visit): Promise<Step> {
  const { name, state, input } = visit;
  for (const [index, rule] of (state.Choices ?? []).entries()) {
    const prefix = `Choices[${index}]/`;
    const bindings = bindingsOf(visit);
    const holds = await evaluateTyped(rule.Condition, `${prefix}Condition`, bindings, isBoolean, 'true or false');
    if (holds) return finish(visit, rule, input, prefix, rule.Next);
  }
  if (state.Default !== undefined) return finish(visit, state, input, '', state.Default);
  // Not States.NoChoiceMatched: that name is in the specification, but this is what AWS reports.
  throw new StateError(
    runtimeError,
    `Failed to transition out of the state '${name}': no rule holds and it has no Default.`,
  );
}

async function wait(visit: Visit): Promise<Step> {
  const seconds = await waitSeconds(visit);
  visit.scope.clockSeconds += seconds;
  await visit.run.passTime?.(seconds, 'wait');
  return finish(visit, visit.state, visit.input, '', visit.state.Next);
}

async function waitSeconds(visit: Visit): Promise<number> {
  const { state, scope, run } = visit;
  const bindings = bindingsOf(visit);
  if (state.Seconds !== undefined) {
    return evaluateTyped(state.Seconds, 'Seconds', bindings, isWholeSeconds, 'a whole number of seconds');
  }
  const until = await evaluateTyped(state.Timestamp ?? null, 'Timestamp', bindings, isString, 'a timestamp');
  const seconds = (Date.parse(until) - run.startTime.getTime()) / 1000 - scope.clockSeconds;
  if (Number.isNaN(seconds)) throw new StateError(queryEvaluationError, `The timestamp ${until} cannot be read.`);
  return Math.max(0, seconds);
}

async function failure(visit: Visit): Promise<StateError> {
  const read = async (field: 'Error' | 'Cause') => {
    const text = visit.state[field];
    return text === undefined ? undefined : evaluateTyped(text, field, bindingsOf(visit), isString, 'a string');
  };
  return new StateError(await read('Error'), await read('Cause'));
}
