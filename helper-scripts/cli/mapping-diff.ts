import { isDeepStrictEqual } from 'node:util';
import { rowIdOf } from '../../autoscaler/job-mappings/job-mapping.ts';
import { identityOf, type MappingItem } from './mapping-item.ts';

/** What it takes to make a table hold the rows of a file. */
export type MappingDiff = {
  readonly added: readonly MappingItem[];
  readonly changed: readonly { readonly before: MappingItem; readonly after: MappingItem }[];
  readonly unchanged: readonly MappingItem[];
  /** Rows of the table that the file lacks. */
  readonly missing: readonly MappingItem[];
};

export function diffMappings(table: readonly MappingItem[], file: readonly MappingItem[]): MappingDiff {
  const there = new Map(table.map((item) => [identityOf(item), item]));
  const wanted = new Set(file.map(identityOf));
  const met = file.map((after) => ({ before: there.get(identityOf(after)), after }));
  const known = met.filter((pair): pair is { before: MappingItem; after: MappingItem } => pair.before !== undefined);
  return {
    added: met.filter(({ before }) => before === undefined).map(({ after }) => after),
    changed: known.filter(({ before, after }) => !isDeepStrictEqual(before, after)),
    unchanged: known.filter(({ before, after }) => isDeepStrictEqual(before, after)).map(({ after }) => after),
    missing: table.filter((item) => !wanted.has(identityOf(item))),
  };
}

/** The attributes in which two rows differ, as `name: old -> new`. */
export function describeChange(before: MappingItem, after: MappingItem): string {
  const names = [...new Set([...Object.keys(before), ...Object.keys(after)])];
  return names
    .filter((name) => !isDeepStrictEqual(before[name], after[name]))
    .map((name) => `${name}: ${textOf(before[name])} -> ${textOf(after[name])}`)
    .join(', ');
}

/** An attribute's value on one line. */
export function textOf(value: unknown): string {
  if (value === undefined) return '(none)';
  return typeof value === 'string' ? value : JSON.stringify(value);
}

/** What a row does, on one line: `job#lint tags#aws  LAMBDA shell`. */
export function describeRow(item: MappingItem): string {
  const target = [item.type, item.arn ?? (item.type === 'IGNORE' ? '' : (item.profile ?? 'default'))]
    .map(textOf)
    .join(' ');
  const limits = ['project', 'ref', 'stage', 'protected', 'maxConcurrent', 'timeoutMinutes', 'exact'].filter(
    (name) => item[name] !== undefined,
  );
  return [`${rowIdOf(item)}  ${target.trim()}`, ...limits.map((name) => `${name} ${textOf(item[name])}`)].join(', ');
}
