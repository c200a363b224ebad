import { z } from 'zod';
import { below, type Fault } from './faults.ts';
import { nearestOf } from './nearest-name.ts';

type Issue = z.core.$ZodIssue;
type RawIssue = z.core.$ZodRawIssue;

/** Every fault that a schema finds in a value. */
export function schemaFaults(schema: z.ZodType, value: unknown): Fault[] {
  const result = schema.safeParse(value, { reportInput: true, error: remedyOf });
  return result.success ? [] : result.error.issues.flatMap(faultsOfIssue);
}

/** What to write instead. A schema's own messages come before this one. */
function remedyOf(issue: RawIssue): string | undefined {
  switch (issue.code) {
    case 'unrecognized_keys':
      // One line for each key: `faultsOfIssue` makes a fault of each.
      return issue.keys.map((key) => remedyOfKey(key, knownKeys(issue))).join('\n');
    case 'invalid_type':
      return `write ${wordsOf[issue.expected] ?? issue.expected}`;
    case 'invalid_value':
      return `write ${oneOf(issue.values)}`;
    case 'invalid_union':
      // No words: one of its forms says what is wrong.
      return Array.isArray(issue.options) ? `write ${oneOf(issue.options)}` : '';
    case 'too_small':
      if (issue.origin === 'string') return 'write something';
      return issue.inclusive ? `give at least ${issue.minimum}` : `give more than ${issue.minimum}`;
    case 'too_big':
      return `give at most ${issue.maximum}${issue.origin === 'string' ? ' characters' : ''}`;
    case 'invalid_format':
      return issue.format === 'starts_with' ? `begin it with "${issue.prefix}"` : undefined;
    default:
      return undefined;
  }
}

const wordsOf: Readonly<Record<string, string>> = {
  string: 'a text',
  number: 'a number',
  int: 'a whole number',
  boolean: 'true or false',
  array: 'a list',
  object: 'an object',
  record: 'an object',
};

function oneOf(values: readonly unknown[]): string {
  const shown = values.map((value) => JSON.stringify(value)).join(', ');
  return values.length === 1 ? shown : `one of: ${shown}`;
}

function knownKeys({ inst }: RawIssue): readonly string[] {
  return inst instanceof z.ZodObject ? Object.keys(inst.shape) : [];
}

/** Settings that were called otherwise. */
const renamed: Readonly<Record<string, string>> = { tags: 'resourceTags' };

function remedyOfKey(key: string, known: readonly string[]): string {
  const now = renamed[key];
  if (now !== undefined && known.includes(now)) return `is called "${now}" now`;
  const nearest = nearestOf(key, known);
  return nearest
    ? `there is no such setting; did you mean "${nearest}"?`
    : `there is no such setting; those here are: ${known.join(', ')}`;
}

function faultsOfIssue(issue: Issue): Fault[] {
  const { path, message } = issue;
  switch (issue.code) {
    case 'unrecognized_keys': {
      const lines = message.split('\n');
      return issue.keys.map((key, index) => ({ path: [...path, key], message: lines[index] ?? message }));
    }
    case 'invalid_union': {
      if (issue.discriminator) return [{ path, message: `${stateOf(discriminating(issue))}; ${message}` }];
      if (message) return [{ path, message: `${stateOf(issue.input)}; ${message}` }];
      return below(path, bestOption(issue.errors).flatMap(faultsOfIssue));
    }
    case 'invalid_key':
      return below(path, issue.issues.flatMap(faultsOfIssue));
    case 'custom':
      return [{ path, message }];
    default:
      return [{ path, message: `${stateOf(issue.input)}; ${message}` }];
  }
}

function discriminating(issue: Extract<Issue, { code: 'invalid_union' }>): unknown {
  return (issue.input as Record<string, unknown> | undefined)?.[issue.discriminator ?? ''];
}

/**
 * Of the forms that a value may have, the one it was most likely meant to have: the fewest unknown keys, then the
 * fewest faults.
 */
function bestOption(options: readonly (readonly Issue[])[]): readonly Issue[] {
  const unknownKeys = (issues: readonly Issue[]) => issues.filter(({ code }) => code === 'unrecognized_keys').length;
  const [best = []] = [...options].sort((a, b) => unknownKeys(a) - unknownKeys(b) || a.length - b.length);
  return best;
}

const longestShownCharacters = 60;

/** What stands there, for a message. */
export function stateOf(value: unknown): string {
  if (value === undefined) return 'is missing';
  if (Array.isArray(value)) return value.length === 0 ? 'is an empty list' : `is a list of ${value.length}`;
  if (typeof value === 'object' && value !== null) return 'is an object';
  const text = JSON.stringify(value) ?? typeof value;
  return `is ${text.length > longestShownCharacters ? `${text.slice(0, longestShownCharacters)}...` : text}`;
}
