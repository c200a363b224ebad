import jsonata from 'jsonata';
import { expressionIn } from './state-machine-expressions.ts';
import type { State } from './state-machine-language.ts';

/** A part of `$states` that exists only in some fields. */
type OccasionalPart = 'result' | 'errorOutput';

interface JsonataField {
  readonly field: string;
  readonly value: unknown;
  readonly mayRead?: OccasionalPart;
}

const typesWithResult: readonly string[] = ['Task', 'Map', 'Parallel'];

/** Operators of JSONata 2.1; Step Functions runs 2.0.6. */
const laterOperators: readonly string[] = ['??', '?:'];

/**
 * What Step Functions would say against a state's expressions when the machine is created: one that does not parse,
 * or reads an input document that does not exist (`{% job.id %}` for `{% $states.input.job.id %}`), or reads a part of
 * `$states` that its field has not, or needs a JSONata newer than 2.0.6. The `jsonata` package and emulators accept all
 * of it but the first, so only a test can find it before a deployment does.
 * Source: https://states-language.net/spec.html#jsonata-restrictions
 */
export function expressionFaults(name: string, state: State): readonly string[] {
  return jsonataFieldsOf(state).flatMap(({ field, value, mayRead }) =>
    stringsIn(value).flatMap((text) => {
      const source = expressionIn(text);
      const faults = source === undefined ? delimiterFaults(text) : faultsOf(source, mayRead);
      return faults.map((fault) => `${name}.${field}: ${fault} in ${text}`);
    }),
  );
}

function jsonataFieldsOf(state: State): readonly JsonataField[] {
  const result = typesWithResult.includes(state.Type) ? ({ mayRead: 'result' } as const) : {};
  const plain = [
    'Arguments',
    'Items',
    'ItemSelector',
    'MaxConcurrency',
    'Seconds',
    'Timestamp',
    'Error',
    'Cause',
  ] as const;
  return [
    ...plain.map((field) => ({ field, value: state[field] })),
    { field: 'TimeoutSeconds', value: state.TimeoutSeconds },
    { field: 'HeartbeatSeconds', value: state.HeartbeatSeconds },
    { field: 'Output', value: state.Output, ...result },
    { field: 'Assign', value: state.Assign, ...result },
    ...(state.Choices ?? []).flatMap(({ Condition, Output, Assign }, index) =>
      Object.entries({ Condition, Output, Assign }).map(([key, value]) => ({
        field: `Choices[${index}].${key}`,
        value,
      })),
    ),
    ...(state.Catch ?? []).flatMap(({ Output, Assign }, index) =>
      Object.entries({ Output, Assign }).map(([key, value]) => {
        return { field: `Catch[${index}].${key}`, value, mayRead: 'errorOutput' as const };
      }),
    ),
  ];
}

function stringsIn(value: unknown): readonly string[] {
  if (typeof value === 'string') return [value];
  return typeof value === 'object' && value !== null ? Object.values(value).flatMap(stringsIn) : [];
}

function delimiterFaults(text: string): readonly string[] {
  const half = text.trim().startsWith('{%') || text.trim().endsWith('%}');
  return half ? ['an expression must begin with {% and end with %}, with nothing around them,'] : [];
}

function faultsOf(source: string, mayRead: OccasionalPart | undefined): readonly string[] {
  try {
    return faultsIn(jsonata(source).ast(), true, { source, mayRead });
  } catch (fault) {
    return [(fault as { readonly message?: string }).message ?? String(fault)];
  }
}

interface Reading {
  readonly source: string;
  readonly mayRead: OccasionalPart | undefined;
}

/** The syntax tree of `jsonata`, of which its types tell only half. */
type Node = Readonly<Record<string, unknown>>;

/** Inside these, a bare name means a field of the item at hand and not of the missing input document. */
const partsWithOwnContext: readonly string[] = ['predicate', 'stages', 'group', 'terms', 'pattern', 'update', 'delete'];

/** @param top whether a bare name here would mean the input document */
function faultsIn(node: unknown, top: boolean, reading: Reading): readonly string[] {
  if (Array.isArray(node)) return node.flatMap((item) => faultsIn(item, top, reading));
  if (typeof node !== 'object' || node === null) return [];
  const { steps, ...parts } = node as Node;
  const ownSteps = Array.isArray(steps) ? steps : [];
  return [
    ...faultsAt(node as Node, top, reading),
    ...occasionalFaults(ownSteps, reading),
    ...ownSteps.flatMap((step, index) => faultsIn(step, top && index === 0, reading)),
    ...Object.entries(parts).flatMap(([key, part]) => {
      return faultsIn(part, top && !partsWithOwnContext.includes(key), reading);
    }),
  ];
}

function faultsAt(node: Node, top: boolean, { source }: Reading): readonly string[] {
  const { type, value, position } = node;
  if (type === 'variable' && value === '$') return ["reference to '$$' is not supported"];
  if (type === 'variable' && value === 'eval') return ['$eval is not supported ($parse reads JSON)'];
  if (top && type === 'variable' && value === '') return ["reference to '$' at the top level is not supported"];
  if (top && ['name', 'wildcard', 'descendant', 'parent'].includes(String(type))) {
    return [`reference to '${value}' at the top level is not supported (is a $ missing?)`];
  }
  const operator = type === 'condition' ? source.slice(Number(position) - 2, Number(position)) : '';
  return laterOperators.includes(operator) ? [`the operator ${operator} is newer than JSONata 2.0.6`] : [];
}

function occasionalFaults(steps: readonly Node[], { mayRead }: Reading): readonly string[] {
  const [first, second] = steps;
  const part = first?.type === 'variable' && first.value === 'states' ? String(second?.value) : '';
  const misplaced = (part === 'result' || part === 'errorOutput') && part !== mayRead;
  return misplaced ? [`$states.${part} does not exist in this field`] : [];
}
