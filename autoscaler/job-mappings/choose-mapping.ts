import picomatch from 'picomatch';
import type { JobMapping } from './job-mapping.ts';
import { baseJobName } from './job-name.ts';

/** What decides about a job's mapping. */
export type JobToMap = {
  readonly jobName: string;
  readonly projectPath: string | null;
  readonly tags: readonly string[];
};

/** Says whether a mapping could be the job's as far as name and project go; its tags are a question to GitLab. */
export function couldMatch(mapping: JobMapping, job: Omit<JobToMap, 'tags'>): boolean {
  return nameRank(mapping, job.jobName) !== null && projectRank(mapping, job.projectPath) !== null;
}

/**
 * The most specific mapping of a job, or null when none matches. The first difference decides: name (exact, then the glob with the
 * longest literal part, then `*`), project (exact, glob, none), number of tags; at a tie the row whose id sorts first.
 */
export function chooseMapping(job: JobToMap, mappings: readonly JobMapping[]): JobMapping | null {
  const tags = new Set(job.tags);
  const matching = mappings.filter((mapping) => couldMatch(mapping, job) && mapping.tags.every((tag) => tags.has(tag)));
  return matching.sort((a, b) => compareSpecificity(a, b, job))[0] ?? null;
}

/** Negative when `a` is more specific than `b` for this job, both of which match it. Never 0 for two different rows. */
export function compareSpecificity(a: JobMapping, b: JobMapping, job: JobToMap): number {
  return (
    (nameRank(b, job.jobName) ?? 0) - (nameRank(a, job.jobName) ?? 0) ||
    (projectRank(b, job.projectPath) ?? 0) - (projectRank(a, job.projectPath) ?? 0) ||
    b.tags.length - a.tags.length ||
    (a.id < b.id ? -1 : 1)
  );
}

/** Higher is more specific; null when the mapping's name does not match. */
function nameRank(mapping: JobMapping, jobName: string): number | null {
  const base = baseJobName(jobName);
  if (mapping.jobName === base || mapping.jobName === jobName) return Number.POSITIVE_INFINITY;
  if (mapping.jobName === '*') return 0;
  return matchesNameGlob(mapping.jobName, base) ? literalLength(mapping.jobName) + 1 : null;
}

function projectRank({ project }: JobMapping, projectPath: string | null): number | null {
  if (project === undefined) return 0;
  if (projectPath === null) return null;
  if (project === projectPath) return Number.POSITIVE_INFINITY;
  return picomatch.isMatch(projectPath, project, { dot: true }) ? literalLength(project) + 1 : null;
}

function literalLength(pattern: string): number {
  return pattern.replace(/[*?]/gu, '').length;
}

/** Job names are no paths: they hold spaces, colons, brackets and slashes, so only `*` and `?` are special and both match anything. */
function matchesNameGlob(pattern: string, name: string): boolean {
  const source = pattern
    .replace(/[\\^$.|+()[\]{}]/gu, '\\$&')
    .replace(/\*/gu, '.*')
    .replace(/\?/gu, '.');
  return new RegExp(`^${source}$`, 'su').test(name);
}
