import jsonata from 'jsonata';
import { queryEvaluationError, StateError } from './state-machine-errors.ts';
import { addStepFunctions } from './state-machine-functions.ts';
import type { Json } from './state-machine-language.ts';

/** What expressions can read: `$states` and the variables that `Assign` wrote. */
export interface Bindings {
  readonly states: Readonly<Record<string, Json>>;
  readonly variables: Readonly<Record<string, Json>>;
}

/** The JSONata inside a string of the form `{% ... %}`, or undefined for any other value. */
export function expressionIn(value: unknown): string | undefined {
  return typeof value === 'string' ? /^\{%([\s\S]*)%\}$/.exec(value)?.[1]?.trim() : undefined;
}

/**
 * The value of a field that accepts JSONata: every `{% ... %}` in it, at any depth, gives way to its result.
 *
 * @param field the field's name within its state, for the cause of an error (AWS writes `Output/v`, `Output/list[0]`)
 * @throws {StateError} `States.QueryEvaluationError` when an expression fails or returns nothing
 */
export async function evaluateField(value: Json, field: string, bindings: Bindings): Promise<Json> {
  const expression = expressionIn(value);
  if (expression !== undefined) return evaluateExpression(expression, field, bindings);
  if (Array.isArray(value)) {
    const items: readonly Json[] = value;
    return Promise.all(items.map((item, index) => evaluateField(item, `${field}[${index}]`, bindings)));
  }
  if (typeof value === 'object' && value !== null) {
    const entries = Object.entries(value).map(async ([key, item]) => {
      return [key, await evaluateField(item, `${field}/${key}`, bindings)] as const;
    });
    return Object.fromEntries(await Promise.all(entries));
  }
  return value;
}

/** The value of a field that must be of one type, such as a Choice's `Condition`. */
export async function evaluateTyped<T extends Json>(
  value: Json,
  field: string,
  bindings: Bindings,
  isType: (result: Json) => result is T,
  type: string,
): Promise<T> {
  const result = await evaluateField(value, field, bindings);
  if (isType(result)) return result;
  const cause = `The field '${field}' must be ${type}, but ${JSON.stringify(value)} gave ${JSON.stringify(result)}.`;
  throw new StateError(queryEvaluationError, cause);
}

export const isBoolean = (value: Json): value is boolean => typeof value === 'boolean';
export const isString = (value: Json): value is string => typeof value === 'string';
export const isList = (value: Json): value is readonly Json[] => Array.isArray(value);
export const isWholeSeconds = (value: Json): value is number => Number.isInteger(value) && Number(value) >= 0;

/** Reading an expression takes ten times as long as evaluating it. */
const known = new Map<string, jsonata.Expression>();

function compiled(source: string): jsonata.Expression {
  const before = known.get(source);
  if (before) return before;
  const expression = jsonata(source);
  addStepFunctions(expression);
  known.set(source, expression);
  return expression;
}

async function evaluateExpression(source: string, field: string, { states, variables }: Bindings): Promise<Json> {
  const described = `The JSONata expression '${source}' specified for the field '${field}'`;
  let text: string | undefined;
  try {
    const expression = compiled(source);
    text = JSON.stringify(await expression.evaluate(undefined, { ...variables, states }));
  } catch (cause) {
    throw new StateError(queryEvaluationError, `${described} threw an error: ${messageOf(cause)}`, { cause });
  }
  if (text === undefined) throw new StateError(queryEvaluationError, `${described} returned nothing (undefined).`);
  return JSON.parse(text);
}

/** JSONata throws plain objects with a message. */
function messageOf(thrown: unknown): string {
  return typeof thrown === 'object' && thrown !== null && 'message' in thrown ? String(thrown.message) : String(thrown);
}
