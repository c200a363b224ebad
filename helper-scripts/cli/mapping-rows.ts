import { tagsOfSortKey } from '../../autoscaler/job-mappings/tags-key.ts';
import { type MappingItem, mappingKeyOf, tagsOfList } from './mapping-item.ts';
import type { MappingTable } from './mapping-table.client.ts';
import { UsageError } from './usage-error.ts';

/** How a command names rows: by job and tags, or, for rows that are written otherwise, by the keys themselves. */
export type RowAddress = {
  readonly job?: string | undefined;
  readonly tags?: string | undefined;
  readonly pk?: string | undefined;
  readonly sk?: string | undefined;
};

/**
 * The rows of a name, and of exactly these tags or this `sk` when they are given: tags in whatever order they stand in
 * the row.
 *
 * @throws {UsageError} when neither a job nor a `pk` is given, or both are.
 */
export async function addressedRows(
  table: Pick<MappingTable, 'readName'>,
  { job, tags, pk, sk }: RowAddress,
): Promise<MappingItem[]> {
  if ((job === undefined) === (pk === undefined)) throw new UsageError('Name a job, or a row by --pk and --sk');
  if (tags !== undefined && sk !== undefined) throw new UsageError('Give --tags or --sk, not both');
  const rows = await table.readName(pk ?? mappingKeyOf(job ?? '', []).pk);
  if (sk !== undefined) return rows.filter((row) => row.sk === sk);
  if (tags === undefined) return rows;
  const wanted = JSON.stringify(tagsOfList(tags));
  return rows.filter(({ sk }) => sk.startsWith('tags#') && JSON.stringify(tagsOfSortKey(sk)) === wanted);
}

/** An address in words. */
export function describeAddress({ job, tags, pk, sk }: RowAddress): string {
  const name = job === undefined ? `pk "${pk}"` : `the job name "${job}"`;
  if (sk !== undefined) return `${name} and sk "${sk}"`;
  if (tags === undefined) return name;
  const wanted = tagsOfList(tags);
  return wanted.length === 0 ? `${name} without tags` : `${name} and the tags ${wanted.join(', ')}`;
}
