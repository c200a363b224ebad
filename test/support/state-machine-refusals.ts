import { DefinitionRefusedError } from './state-machine-errors.ts';
import { expressionFaults } from './state-machine-expression-faults.ts';
import { type Flow, flowsOf, type State, type StateMachineDefinition } from './state-machine-language.ts';

/** Fields that only JSONPath states have, or that need a distributed Map. */
const foreignFields: readonly string[] = [
  'InputPath',
  'OutputPath',
  'Parameters',
  'ResultSelector',
  'ResultPath',
  'Result',
  'ItemsPath',
  'MaxConcurrencyPath',
  'SecondsPath',
  'TimestampPath',
  'TimeoutSecondsPath',
  'HeartbeatSecondsPath',
  'ErrorPath',
  'CausePath',
  'Iterator',
  'ItemReader',
  'ItemBatcher',
  'ResultWriter',
];

const stateTypes: readonly string[] = ['Pass', 'Task', 'Choice', 'Wait', 'Succeed', 'Fail', 'Parallel', 'Map'];

/** Why Step Functions would not create this machine as an inline JSONata workflow; empty when it would. */
export function refusalsOf(definition: StateMachineDefinition): readonly string[] {
  return flowsOf(definition).flatMap(({ flow, outer }) => [
    ...scopeRefusals(flow, outer),
    ...Object.entries(flow.States).flatMap(([name, state]) => stateRefusals(name, state, definition.QueryLanguage)),
  ]);
}

/** @throws {DefinitionRefusedError} naming every reason of {@link refusalsOf} */
export function refuseUnsupported(definition: StateMachineDefinition): void {
  const refusals = refusalsOf(definition);
  if (refusals.length === 0) return;
  throw new DefinitionRefusedError(`This state machine cannot run:\n- ${refusals.join('\n- ')}`);
}

function stateRefusals(name: string, state: State, machineLanguage = 'JSONPath'): readonly string[] {
  const language = state.QueryLanguage ?? machineLanguage;
  if (language !== 'JSONata') return [`${name}: its query language is ${language}; only JSONata states are supported`];
  const foreign = foreignFields.filter((field) => field in state);
  const mode = (state.ItemProcessor as { readonly ProcessorConfig?: { readonly Mode?: string } } | undefined)
    ?.ProcessorConfig;
  return [
    ...(stateTypes.includes(state.Type) ? [] : [`${name}: unknown state type ${state.Type}`]),
    ...foreign.map((field) => `${name}: the field ${field} has no place in an inline JSONata state`),
    ...(mode?.Mode === 'DISTRIBUTED' ? [`${name}: a distributed Map needs a standard workflow`] : []),
    ...expressionFaults(name, state),
  ];
}

/** An inner flow may read the variables around it, but not assign one of their names. */
function scopeRefusals(flow: Flow, outer: readonly Flow[]): readonly string[] {
  const taken = new Set(['states', ...outer.flatMap((around) => [...assignedIn(around)])]);
  return [...assignedIn(flow)]
    .filter((variable) => taken.has(variable))
    .map((variable) => `$${variable} is assigned in an inner scope, but belongs to an outer one`);
}

function assignedIn(flow: Flow): ReadonlySet<string> {
  const assigns = Object.values(flow.States).flatMap((state) => [
    state.Assign,
    ...(state.Choices ?? []).map((rule) => rule.Assign),
    ...(state.Catch ?? []).map((catcher) => catcher.Assign),
  ]);
  return new Set(assigns.flatMap((assign) => Object.keys(assign ?? {})));
}
