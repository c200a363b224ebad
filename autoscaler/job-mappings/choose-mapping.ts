import type { JobMapping } from './job-mapping.ts';
import {
  differenceOf,
  type Fit,
  type JobInQuestion,
  type JobToMap,
  judgeMapping,
  putInQuestion,
} from './judge-mapping.ts';
import { indexOfReading, rowsInReach } from './mapping-index.ts';

/**
 * Says whether a mapping could be the job's as far as name, project, ref and stage go; its tags and protection are
 * questions to GitLab.
 */
export function couldMatch(mapping: JobMapping, job: Omit<JobToMap, 'tags'>): boolean {
  return isInReach(mapping, putInQuestion({ ...job, tags: [] }));
}

/** Every mapping that {@link couldMatch}, without looking at each row of the table. */
export function candidatesOf(job: Omit<JobToMap, 'tags'>, mappings: readonly JobMapping[]): JobMapping[] {
  const question = putInQuestion({ ...job, tags: [] });
  return rowsInReach(indexOfReading(mappings), question).filter((mapping) => isInReach(mapping, question));
}

/**
 * The most specific mapping of a job, or null when none matches. The first difference decides: name (exact, without the
 * suffix of parallel and matrix jobs, then the glob with the longest literal part, then `*`), project (exact, glob,
 * none), number of conditions (ref, stage, protection), number of tags; at a tie the row whose id sorts first. A
 * mapping of exactly `rspec 3/28` is more specific than one of `rspec`.
 */
export function chooseMapping(job: JobToMap, mappings: readonly JobMapping[]): JobMapping | null {
  return chooseFit(job, mappings)?.mapping ?? null;
}

/** As {@link chooseMapping}, with how specific the mapping is. */
export function chooseFit(job: JobToMap, mappings: readonly JobMapping[]): Fit | null {
  const question = putInQuestion(job);
  let best: Fit | null = null;
  for (const mapping of rowsInReach(indexOfReading(mappings), question)) {
    const judgement = judgeMapping(mapping, question);
    if (judgement.kind !== 'fits') continue;
    if (best === null || differenceOf(judgement, best).order < 0) best = judgement;
  }
  return best;
}

function isInReach(mapping: JobMapping, question: JobInQuestion): boolean {
  const { kind } = judgeMapping(mapping, question);
  return kind === 'fits' || kind === 'missing-tags' || kind === 'not-protected';
}
