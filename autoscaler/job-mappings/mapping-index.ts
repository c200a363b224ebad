import type { JobMapping } from './job-mapping.ts';
import { prefixLength } from './name-glob.ts';

/**
 * The rows of a table by what a job's name can be looked up with: exact names in a map, globs by what stands before
 * their first wildcard. A look-up costs what the rows cost that can match, not what the table holds. It only narrows
 * down: who matches and who wins is decided by `judge-mapping.ts`, for one row and for thousands alike.
 */
export type MappingIndex = {
  readonly byName: ReadonlyMap<string, readonly JobMapping[]>;
  readonly byPrefix: ReadonlyMap<string, readonly JobMapping[]>;
  /** Every length that a prefix of a glob has. */
  readonly prefixLengths: readonly number[];
};

export function indexMappings(mappings: readonly JobMapping[]): MappingIndex {
  const byPrefix = Map.groupBy(
    mappings.filter(({ jobName }) => prefixLength(jobName) < jobName.length),
    ({ jobName }) => jobName.slice(0, prefixLength(jobName)),
  );
  return {
    byName: Map.groupBy(mappings, ({ jobName }) => jobName),
    byPrefix,
    prefixLengths: [...new Set([...byPrefix.keys()].map((prefix) => prefix.length))],
  };
}

/** Every row whose name may match a job of these names; each row once. */
export function rowsInReach(
  index: MappingIndex,
  { jobName, baseName }: { readonly jobName: string; readonly baseName: string },
): JobMapping[] {
  const names = [...new Set([jobName, baseName])];
  const exact = names.flatMap((name) => index.byName.get(name) ?? []);
  const globs = index.prefixLengths
    .filter((length) => length <= jobName.length)
    // What the whole name begins with: the name without suffix begins the same, as far as it goes.
    .flatMap((length) => index.byPrefix.get(jobName.slice(0, length)) ?? []);
  // A job may be named like a glob, whose row is then found both ways.
  return [...exact, ...globs.filter((row) => !names.includes(row.jobName))];
}

const indexes = new WeakMap<readonly JobMapping[], MappingIndex>();

/** The index of the rows of one reading of the table, made once: rows that were read together are never changed. */
export function indexOfReading(mappings: readonly JobMapping[]): MappingIndex {
  const known = indexes.get(mappings);
  if (known) return known;
  const index = indexMappings(mappings);
  indexes.set(mappings, index);
  return index;
}
