import { isUsable, type MappingTarget, readMapping } from '../../autoscaler/job-mappings/job-mapping.ts';
import { textOf } from './mapping-diff.ts';
import type { MappingItem } from './mapping-item.ts';
import { printable } from './table.ts';

/** Head of the table of {@link mappingCells}. */
export const mappingHead = ['job', 'tags', 'project', 'type', 'runs on', 'limits', ''] as const;

/** A row of the table for people; the last cell says when it is not valid. */
export function mappingCells(item: MappingItem): string[] {
  const row = readMapping(item);
  const limits = [
    item.ref === undefined ? '' : `ref ${textOf(item.ref)}`,
    item.stage === undefined ? '' : `stage ${textOf(item.stage)}`,
    item.protected === undefined ? '' : 'protected',
    item.maxConcurrent === undefined ? '' : `at most ${textOf(item.maxConcurrent)}`,
    item.timeoutMinutes === undefined ? '' : `${textOf(item.timeoutMinutes)} min`,
    item.exact === undefined ? '' : `exact ${textOf(item.exact)}`,
  ];
  const cells = isUsable(row)
    ? [row.jobName, row.tags.join(', '), row.project ?? '', row.target.type, runnerOf(row.target)]
    : [item.pk, item.sk, textOf(item.project ?? ''), textOf(item.type), textOf(item.arn ?? item.profile ?? '')];
  return [...cells, limits.filter(Boolean).join(', '), isUsable(row) ? '' : 'NOT VALID'].map(printable);
}

/** What runs a job: the profile, its function's ARN, or nothing of ours. */
export function runnerOf(target: MappingTarget): string {
  return target.type === 'IGNORE' ? '' : target.profile;
}
