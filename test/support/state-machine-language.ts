/**
 * The parts of the Amazon States Language that our workflows use, as types and as walks over a definition.
 * Source: https://states-language.net/spec.html
 */

export type Json = null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json };

export interface Retrier {
  readonly ErrorEquals: readonly string[];
  readonly IntervalSeconds?: number;
  readonly MaxAttempts?: number;
  readonly BackoffRate?: number;
  readonly MaxDelaySeconds?: number;
  readonly JitterStrategy?: string;
}

export interface Catcher {
  readonly ErrorEquals: readonly string[];
  readonly Next: string;
  readonly Output?: Json;
  readonly Assign?: Readonly<Record<string, Json>>;
}

interface ChoiceRule {
  readonly Condition: boolean | string;
  readonly Next: string;
  readonly Output?: Json;
  readonly Assign?: Readonly<Record<string, Json>>;
}

/** One state of any type: tests look into definitions, so this is one record and not a union to narrow first. */
export interface State {
  readonly Type: string;
  readonly QueryLanguage?: string;
  readonly Comment?: string;
  readonly Next?: string;
  readonly End?: true;
  readonly Arguments?: Json;
  readonly Output?: Json;
  readonly Assign?: Readonly<Record<string, Json>>;
  readonly Resource?: string;
  readonly TimeoutSeconds?: Json;
  readonly HeartbeatSeconds?: Json;
  readonly Retry?: readonly Retrier[];
  readonly Catch?: readonly Catcher[];
  readonly Choices?: readonly ChoiceRule[];
  readonly Default?: string;
  readonly Seconds?: Json;
  readonly Timestamp?: string;
  readonly Error?: string;
  readonly Cause?: string;
  readonly Branches?: readonly Flow[];
  readonly Items?: Json;
  readonly ItemSelector?: Json;
  readonly ItemProcessor?: Flow;
  readonly MaxConcurrency?: Json;
}

/** States that can transition to each other: a whole machine, a branch of a Parallel or the processor of a Map. */
export interface Flow {
  readonly StartAt: string;
  readonly States: Readonly<Record<string, State>>;
}

export interface StateMachineDefinition extends Flow {
  readonly QueryLanguage?: string;
  readonly Comment?: string;
  readonly TimeoutSeconds?: number;
}

/** A flow together with the flows around it, outermost first. */
export interface NestedFlow {
  readonly flow: Flow;
  readonly outer: readonly Flow[];
}

/** The flows that a Map or Parallel state contains. */
export function innerFlows(state: State): readonly Flow[] {
  return [...(state.Branches ?? []), ...(state.ItemProcessor ? [state.ItemProcessor] : [])];
}

/** Every flow of a definition, the outermost first. */
export function flowsOf(flow: Flow, outer: readonly Flow[] = []): readonly NestedFlow[] {
  const nested = Object.values(flow.States).flatMap(innerFlows);
  return [{ flow, outer }, ...nested.flatMap((inner) => flowsOf(inner, [...outer, flow]))];
}

/** Every state of a definition at any depth. AWS refuses two states of one name, whatever their depth. */
export function statesOf(definition: Flow): readonly (readonly [name: string, state: State])[] {
  return flowsOf(definition).flatMap(({ flow }) => Object.entries(flow.States));
}

/** Where a state can go, and by which of its fields. */
export function transitionsOf(state: State): readonly { readonly field: string; readonly target: string }[] {
  return [
    ...(state.Next === undefined ? [] : [{ field: 'Next', target: state.Next }]),
    ...(state.Choices ?? []).map((rule, index) => ({ field: `Choices[${index}].Next`, target: rule.Next })),
    ...(state.Default === undefined ? [] : [{ field: 'Default', target: state.Default }]),
    ...(state.Catch ?? []).map((catcher, index) => ({ field: `Catch[${index}].Next`, target: catcher.Next })),
  ];
}
