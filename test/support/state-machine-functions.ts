import { createHash, randomUUID } from 'node:crypto';
import type { Expression } from 'jsonata';

const hashNames: Readonly<Record<string, string>> = {
  MD5: 'md5',
  'SHA-1': 'sha1',
  'SHA-256': 'sha256',
  'SHA-384': 'sha384',
  'SHA-512': 'sha512',
};

/**
 * Gives an expression the functions that Step Functions adds to JSONata. Arguments that make no sense give nothing
 * (undefined) rather than an error, as AWS does.
 * Source: https://docs.aws.amazon.com/step-functions/latest/dg/transforming-data.html#jsonata-functions-provided-by-sfn
 */
export function addStepFunctions(expression: Expression): void {
  expression.registerFunction('uuid', () => randomUUID());
  expression.registerFunction('parse', (text?: string) => (text === undefined ? undefined : JSON.parse(text)));
  expression.registerFunction('hash', hash);
  expression.registerFunction('random', random);
  expression.registerFunction('partition', partition);
  expression.registerFunction('range', range);
}

function hash(text?: string, algorithm?: string): string | undefined {
  if (text === undefined || algorithm === undefined) return undefined;
  const name = hashNames[algorithm];
  if (!name) throw new Error(`$hash knows ${Object.keys(hashNames).join(', ')}, not ${algorithm}`);
  return createHash(name).update(text).digest('hex');
}

/** Between 0 and 1; the same for the same seed (though not the number that AWS gives for it). */
function random(seed?: number): number {
  if (seed === undefined) return Math.random();
  return createHash('sha256').update(String(seed)).digest().readUInt32BE() / 2 ** 32;
}

function partition(items?: readonly unknown[], size?: number): unknown[][] | undefined {
  const chunk = Math.trunc(size ?? 0);
  if (!items?.length || chunk < 1) return undefined;
  return Array.from({ length: Math.ceil(items.length / chunk) }, (_, at) => items.slice(at * chunk, (at + 1) * chunk));
}

/** Both ends included. A range of one number is that number: JSONata keeps no array of one. */
function range(first?: number, last?: number, step?: number): number | number[] | undefined {
  const [from, to, by] = [first, last, step].map((value) => Math.trunc(value ?? Number.NaN));
  const count = Math.floor(((to ?? Number.NaN) - (from ?? Number.NaN)) / (by ?? Number.NaN)) + 1;
  if (!(count >= 1) || count === Number.POSITIVE_INFINITY) return undefined;
  const numbers = Array.from({ length: count }, (_, at) => (from ?? 0) + at * (by ?? 0));
  return count === 1 ? numbers[0] : numbers;
}
