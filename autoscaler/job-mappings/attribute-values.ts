/**
 * Items of DynamoDB as plain values that JSON and YAML can hold, and back, with nothing lost: text, numbers, lists and
 * maps are written as they are. What has no such form (a set, binary data, a number that JavaScript would round) is
 * written as DynamoDB's own API writes it, under one key: `{ $dynamodb: { SS: ['a', 'b'] } }`, binary data in base64.
 */

/** One attribute's value as DynamoDB's API has it. */
export type AttributeValue =
  | { S: string }
  | { N: string }
  | { BOOL: boolean }
  | { NULL: true }
  | { B: Uint8Array }
  | { SS: string[] }
  | { NS: string[] }
  | { BS: Uint8Array[] }
  | { L: AttributeValue[] }
  | { M: Record<string, AttributeValue> };

export type PlainItem = Readonly<Record<string, unknown>>;

const marker = '$dynamodb';

/** A value that DynamoDB cannot store; the message says where it is and what to write instead. */
export class NotStorableError extends Error {
  override readonly name = 'NotStorableError';
}

/** An item as DynamoDB gives it, as plain values. Never throws: a value of an unknown type stays under its marker. */
export function plainItemOf(item: Readonly<Record<string, object>>): PlainItem {
  return Object.fromEntries(Object.entries(item).map(([name, value]) => [name, plainValueOf(value)]));
}

/** An item of plain values, as DynamoDB takes it. @throws {NotStorableError} */
export function storedItemOf(item: PlainItem): Record<string, AttributeValue> {
  return Object.fromEntries(Object.entries(item).map(([name, value]) => [name, attributeOf(value, name)]));
}

function plainValueOf(attribute: object): unknown {
  const [[type, value] = ['', undefined]] = Object.entries(attribute).filter(([, content]) => content !== undefined);
  switch (type) {
    case 'S':
    case 'BOOL':
      return value;
    case 'NULL':
      return null;
    case 'N':
      return isExact(value) ? Number(value) : { [marker]: { N: value } };
    case 'L':
      return (value as object[]).map(plainValueOf);
    case 'M': {
      const map = plainItemOf(value as Record<string, object>);
      return isMarked(map) ? { [marker]: { M: map } } : map;
    }
    case 'SS':
    case 'NS':
      // A set has no order, and two equal ones should look equal.
      return { [marker]: { [type]: [...(value as string[])].sort() } };
    case 'B':
      return { [marker]: { B: base64Of(value as Uint8Array) } };
    case 'BS':
      return { [marker]: { BS: (value as Uint8Array[]).map(base64Of).sort() } };
    default:
      return { [marker]: { [type]: value } };
  }
}

function attributeOf(value: unknown, path: string): AttributeValue {
  switch (typeof value) {
    case 'string':
      return { S: value };
    case 'boolean':
      return { BOOL: value };
    case 'number':
      return { N: digitsOf(value, path) };
    case 'object':
      if (value === null) return { NULL: true };
      if (Array.isArray(value)) return { L: value.map((part, index) => attributeOf(part, `${path}.${index}`)) };
      if (isMarked(value)) return markedAttributeOf(value[marker], path);
      return { M: mapOf(value, path) };
    default:
      throw new NotStorableError(`${path}: must be text, a number, true, false, null, a list or a map`);
  }
}

function mapOf(value: object, path: string): Record<string, AttributeValue> {
  return Object.fromEntries(Object.entries(value).map(([name, part]) => [name, attributeOf(part, `${path}.${name}`)]));
}

function markedAttributeOf(marked: unknown, path: string): AttributeValue {
  const [[type, value] = ['', undefined], ...others] = Object.entries((marked ?? {}) as object);
  const texts = Array.isArray(value) && value.length > 0 && value.every((part) => typeof part === 'string');
  if (others.length === 0) {
    if (type === 'N' && typeof value === 'string' && isNumber(value)) return { N: value };
    if (type === 'B' && typeof value === 'string') return { B: bytesOf(value) };
    if (type === 'SS' && texts) return { SS: value };
    if (type === 'NS' && texts && value.every(isNumber)) return { NS: value };
    if (type === 'BS' && texts) return { BS: value.map(bytesOf) };
    if (type === 'M' && typeof value === 'object' && value !== null) return { M: mapOf(value, path) };
  }
  throw new NotStorableError(
    `${path}: "${marker}" must hold one of N (digits), B (base64), SS, NS, BS (lists, not empty) or M`,
  );
}

/** DynamoDB keeps 38 digits; a number that JavaScript has rounded already must not be stored as if it were meant. */
function digitsOf(number: number, path: string): string {
  if (Number.isInteger(number) && !Number.isSafeInteger(number)) {
    throw new NotStorableError(
      `${path}: is too large to be exact; write { ${marker}: { N: "${number}" } } with its digits`,
    );
  }
  const tiny = number !== 0 && Math.abs(number) < 1e-120;
  if (!Number.isFinite(number) || tiny) throw new NotStorableError(`${path}: is no number that DynamoDB can hold`);
  return String(number === 0 ? 0 : number);
}

function isExact(digits: unknown): boolean {
  const number = Number(digits);
  return String(number) === digits && (!Number.isInteger(number) || Number.isSafeInteger(number));
}

function isNumber(text: string): boolean {
  return /^-?\d+(\.\d+)?([eE][+-]?\d+)?$/u.test(text);
}

function isMarked(value: object): value is Readonly<Record<typeof marker, unknown>> {
  return Object.keys(value).length === 1 && Object.hasOwn(value, marker);
}

function base64Of(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('base64');
}

function bytesOf(base64: string): Uint8Array {
  return Uint8Array.from(Buffer.from(base64, 'base64'));
}
