import { mappingAttributes } from '../../autoscaler/job-mappings/job-mapping.ts';
import { sortKeyOfTags } from '../../autoscaler/job-mappings/tags-key.ts';

export type MappingKey = { readonly pk: string; readonly sk: string };

/** A row of the job mappings table as it stands there, with whatever else people wrote into it. */
export type MappingItem = Readonly<Record<string, unknown>> & MappingKey;

/** The key of the row for a job's name and tags, as people write them. */
export function mappingKeyOf(jobName: string, tags: readonly string[]): MappingKey {
  return { pk: `job#${jobName}`, sk: sortKeyOfTags(tags) };
}

/** The tags of a comma-separated list. */
export function tagsOfList(list: string): string[] {
  const tags = list.split(',').map((tag) => tag.trim());
  return [...new Set(tags.filter(Boolean))].sort();
}

/**
 * Tells two rows apart, also where no text could: a `pk` may hold whatever stands between the keys when people read
 * them.
 */
export function identityOf({ pk, sk }: { readonly pk?: unknown; readonly sk?: unknown }): string {
  return JSON.stringify([pk, sk]);
}

/** Sorts rows as the table is listed and exported: by name, then by tags. */
export function inOrder(a: MappingKey, b: MappingKey): number {
  return compare(a.pk, b.pk) || compare(a.sk, b.sk);
}

const firstAttributes = ['pk', 'sk', 'type', 'arn', 'profile', 'project'] as const;

/** The same row with its attributes in the order in which people read them: those that mean something first. */
export function withAttributesInOrder(item: MappingItem): MappingItem {
  const known = [...new Set([...firstAttributes, ...mappingAttributes])].filter((name) => Object.hasOwn(item, name));
  const others = Object.keys(item).filter((name) => !known.includes(name));
  return Object.fromEntries([...known, ...others.sort(compare)].map((name) => [name, item[name]])) as MappingItem;
}

function compare(a: string, b: string): number {
  return a < b ? -1 : Number(a > b);
}
