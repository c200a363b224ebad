import { createRequire } from 'node:module';
import { retryDelays } from './state-machine-errors.ts';
import {
  type Flow,
  flowsOf,
  innerFlows,
  type Json,
  type State,
  type StateMachineDefinition,
  statesOf,
  transitionsOf,
} from './state-machine-language.ts';
import { refusalsOf } from './state-machine-refusals.ts';
import type { CaughtError } from './state-machine-visit.ts';

/** The package has no types. */
const require = createRequire(import.meta.url);
const validateSchema: (definition: unknown) => { readonly errors: readonly { readonly Message: string }[] } =
  require('asl-validator');

/** One Catch of a definition; `index` is its place in the state's list. */
export interface DefinedCatcher {
  readonly state: string;
  readonly index: number;
  readonly errors: readonly string[];
  readonly next: string;
}

/** Every Catch of every state, at any depth. */
export function catchersOf(definition: Flow): readonly DefinedCatcher[] {
  return statesOf(definition).flatMap(([state, { Catch = [] }]) =>
    Catch.map(({ ErrorEquals, Next }, index) => ({ state, index, errors: ErrorEquals, next: Next })),
  );
}

/** The Catches that none of these executions took: what a test of failures still has to show. */
export function untakenCatchers(
  definition: Flow,
  executions: readonly { readonly catches: readonly CaughtError[] }[],
): readonly DefinedCatcher[] {
  const taken = executions.flatMap(({ catches }) => catches);
  return catchersOf(definition).filter(
    ({ state, index }) => !taken.some((caught) => caught.state === state && caught.index === index),
  );
}

/**
 * The longest time, in seconds, that retries can take on any way through the machine: every retrier of every state on
 * it used up, jitter at its maximum. Branches and iterations count as side by side. Infinite when a loop retries.
 */
export function worstRetrySeconds(flow: Flow): number {
  const names = Object.keys(flow.States);
  const own = new Map(Object.entries(flow.States).map(([name, state]) => [name, worstSecondsOf(state)]));
  let longest = new Map<string, number>();
  // After as many rounds as there are states every way without a loop is known: what still grows does so for ever.
  for (let round = 0; round <= names.length; round += 1) {
    const before = longest;
    longest = new Map(
      Object.entries(flow.States).map(([name, state]) => {
        const onward = transitionsOf(state).map(({ target }) => before.get(target) ?? 0);
        return [name, (own.get(name) ?? 0) + Math.max(0, ...onward)];
      }),
    );
    if (names.every((name) => before.get(name) === longest.get(name))) return longest.get(flow.StartAt) ?? 0;
  }
  return Number.POSITIVE_INFINITY;
}

/** The delays of one state's retriers, and for a Map or Parallel what its content adds on each of its attempts. */
function worstSecondsOf(state: State): number {
  const delays = (state.Retry ?? []).flatMap(retryDelays);
  const inside = Math.max(0, ...innerFlows(state).map(worstRetrySeconds));
  return delays.reduce((sum, delay) => sum + delay, inside * (delays.length + 1));
}

/** A transition to a state that its flow does not have. */
export interface DanglingTarget {
  readonly from: string;
  readonly field: string;
  readonly target: string;
}

/** Transitions, and first states, that lead nowhere. A state inside a Map or Parallel cannot leave it. */
export function danglingTargets(definition: Flow): readonly DanglingTarget[] {
  return flowsOf(definition).flatMap(({ flow }) => {
    const start = { from: '(start)', field: 'StartAt', target: flow.StartAt };
    const transitions = Object.entries(flow.States).flatMap(([from, state]) =>
      transitionsOf(state).map((transition) => ({ from, ...transition })),
    );
    return [start, ...transitions].filter(({ target }) => !(target in flow.States));
  });
}

/** States that no way from the first state of their flow leads to. */
export function unreachableStates(definition: Flow): readonly string[] {
  return flowsOf(definition).flatMap(({ flow }) => {
    const reached = new Set<string>();
    const ahead = [flow.StartAt];
    for (let name = ahead.pop(); name !== undefined; name = ahead.pop()) {
      const state = flow.States[name];
      if (!state || reached.has(name)) continue;
      reached.add(name);
      ahead.push(...transitionsOf(state).map(({ target }) => target));
    }
    return Object.keys(flow.States).filter((name) => !reached.has(name));
  });
}

/** Everything that is wrong with a definition before it ever runs, as sentences; empty when it can be deployed. */
export function validateDefinition(definition: StateMachineDefinition): readonly string[] {
  // It writes into what it is given, hence the copy.
  const { errors } = validateSchema(readableByValidator(definition as unknown as Json));
  return [
    ...errors.map(({ Message }) => Message),
    ...refusalsOf(definition),
    ...danglingTargets(definition).map(
      ({ from, field, target }) => `${from}.${field} leads to ${target}, which is no state`,
    ),
    ...unreachableStates(definition).map((name) => `${name} cannot be reached`),
  ];
}

/**
 * A copy in which strings that `asl-validator` misjudges (AWS takes them) are written otherwise: empty, or of several
 * lines.
 */
function readableByValidator(value: Json): Json {
  if (typeof value === 'string') return value.replaceAll(/\s*\n\s*/g, ' ') || '-';
  if (Array.isArray(value)) return (value as readonly Json[]).map(readableByValidator);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, readableByValidator(item)]));
}
