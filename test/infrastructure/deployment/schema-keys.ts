import { z } from 'zod';

/**
 * Every setting that a schema knows, as a path: the alternatives of a union by their `type`, records and lists of
 * objects by `*`. A record or list of plain values is one setting.
 */
export function settingsOf(schema: z.core.$ZodType, path: readonly string[] = []): string[] {
  const inner = unwrapped(schema);
  if (inner instanceof z.ZodObject) {
    return Object.entries(inner.shape).flatMap(([key, value]) => settingsOf(value as z.ZodType, [...path, key]));
  }
  if (inner instanceof z.ZodUnion) {
    const options = inner.options.map(unwrapped);
    if (!options.every((option) => option instanceof z.ZodObject)) return [path.join('.')];
    return options.flatMap((option) => settingsOf(option, [...path, ...typeOf(option)]));
  }
  const values =
    inner instanceof z.ZodRecord ? inner.valueType : inner instanceof z.ZodArray ? inner.element : undefined;
  const nested = values && unwrapped(values);
  return nested instanceof z.ZodObject || nested instanceof z.ZodUnion
    ? settingsOf(nested, nested instanceof z.ZodObject ? [...path, '*'] : path)
    : [path.join('.')];
}

function unwrapped(schema: z.core.$ZodType): z.core.$ZodType {
  if (schema instanceof z.ZodDefault || schema instanceof z.ZodPrefault || schema instanceof z.ZodOptional) {
    return unwrapped(schema.def.innerType);
  }
  return schema;
}

function typeOf(option: z.ZodObject): string[] {
  const { type } = option.shape;
  return type instanceof z.ZodLiteral ? [String(type.value)] : [];
}
