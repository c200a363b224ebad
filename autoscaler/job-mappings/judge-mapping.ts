import type { JobMapping } from './job-mapping.ts';
import { baseJobName } from './job-name.ts';
import { literalLength, matchesNameGlob } from './name-glob.ts';
import { compileProjectGlob, type ProjectGlob } from './project-glob.ts';

/** What decides about a job's mapping. */
export type JobToMap = {
  readonly jobName: string;
  readonly projectPath: string | null;
  readonly tags: readonly string[];
  /** The branch or tag. */
  readonly ref?: string | undefined;
  readonly stage?: string | undefined;
  /** Whether the ref is protected; what is not known counts as not protected. */
  readonly isProtected?: boolean | undefined;
};

/** A job, with what is asked of it for every row worked out once. */
export type JobInQuestion = {
  readonly jobName: string;
  /** Without the suffix of parallel and matrix jobs. */
  readonly baseName: string;
  readonly projectPath: string | null;
  readonly tags: ReadonlySet<string>;
  readonly conditions: JobConditions | 'any';
};

/** What rows may ask for beside name, project and tags; `any` for what may be any job. */
export type JobConditions = Pick<JobToMap, 'ref' | 'stage' | 'isProtected'>;

/** A mapping that fits a job, and how specific it is: higher is more. */
export type Fit = {
  readonly kind: 'fits';
  readonly mapping: JobMapping;
  readonly name: number;
  readonly project: number;
  /** How many of ref, stage and protection it asks for. */
  readonly conditions: number;
};

/** What comes of one mapping and one job; the first thing that does not fit decides. */
export type Judgement = Fit | Misfit;

export type Misfit =
  | { readonly kind: 'other-name' }
  | { readonly kind: 'other-project' }
  | { readonly kind: 'other-ref' }
  | { readonly kind: 'other-stage' }
  | { readonly kind: 'not-protected' }
  | { readonly kind: 'missing-tags'; readonly tags: readonly string[] };

/** The whole name, `rspec 3/28`, is more exact than the name of all its siblings, `rspec`. */
const wholeName = Number.POSITIVE_INFINITY;
const baseNameRank = Number.MAX_SAFE_INTEGER;
const exactProject = Number.POSITIVE_INFINITY;

export function putInQuestion({ jobName, projectPath, tags, ref, stage, isProtected }: JobToMap): JobInQuestion {
  const conditions = { ref, stage, isProtected };
  return { jobName, baseName: baseJobName(jobName), projectPath, tags: new Set(tags), conditions };
}

/**
 * Says whether a mapping fits a job, and how well; all that is decided about mappings is decided here and in {@link
 * differenceOf}.
 */
export function judgeMapping(mapping: JobMapping, job: JobInQuestion): Judgement {
  const name = nameRank(mapping.jobName, job);
  if (name === null) return { kind: 'other-name' };
  const project = projectRank(mapping, job.projectPath);
  if (project === null) return { kind: 'other-project' };
  if (job.conditions !== 'any') {
    const { ref, stage, isProtected } = job.conditions;
    if (mapping.ref !== undefined && !(ref !== undefined && matchesNameGlob(mapping.ref, ref)))
      return { kind: 'other-ref' };
    if (mapping.stage !== undefined && mapping.stage !== stage) return { kind: 'other-stage' };
    if (mapping.isProtected && !isProtected) return { kind: 'not-protected' };
  }
  const missing = mapping.tags.filter((tag) => !job.tags.has(tag));
  if (missing.length > 0) return { kind: 'missing-tags', tags: missing };
  return { kind: 'fits', mapping, name, project, conditions: conditionsOf(mapping) };
}

/** How many jobs of a row's name, project and tags it may leave to others: none when 0. */
export function conditionsOf({ ref, stage, isProtected }: JobMapping): number {
  return [ref, stage, isProtected].filter((condition) => condition !== undefined).length;
}

/** What made one mapping more specific than another. */
export type Criterion = 'name' | 'project' | 'conditions' | 'tags' | 'id';

/**
 * The first difference between two mappings that fit the same job; `order` is negative when `a` is the more specific
 * one. Two different rows have different ids, so that one of them always is.
 */
export function differenceOf(a: Fit, b: Fit): { readonly criterion: Criterion; readonly order: -1 | 0 | 1 } {
  if (a.name !== b.name) return { criterion: 'name', order: a.name > b.name ? -1 : 1 };
  if (a.project !== b.project) return { criterion: 'project', order: a.project > b.project ? -1 : 1 };
  if (a.conditions !== b.conditions) return { criterion: 'conditions', order: a.conditions > b.conditions ? -1 : 1 };
  const [aTags, bTags] = [a.mapping.tags.length, b.mapping.tags.length];
  if (aTags !== bTags) return { criterion: 'tags', order: aTags > bTags ? -1 : 1 };
  if (a.mapping.id === b.mapping.id) return { criterion: 'id', order: 0 };
  return { criterion: 'id', order: a.mapping.id < b.mapping.id ? -1 : 1 };
}

/**
 * The whole name, then the name without suffix, then the glob with the longest literal part, then `*`; null when the
 * name does not match. Globs are held against the name without suffix, and against the whole name where that does not
 * fit (`rspec 1/*`, `compile: [arm64, *`).
 */
function nameRank(pattern: string, { jobName, baseName }: JobInQuestion): number | null {
  if (pattern === jobName) return wholeName;
  if (pattern === baseName) return baseNameRank;
  if (pattern === '*') return 0;
  const fits = matchesNameGlob(pattern, baseName) || (jobName !== baseName && matchesNameGlob(pattern, jobName));
  return fits ? literalLength(pattern) + 1 : null;
}

/** Exact, then the glob with the longest literal part, then none; null when the project does not match. */
function projectRank(mapping: JobMapping, projectPath: string | null): number | null {
  const { project } = mapping;
  if (project === undefined) return 0;
  if (projectPath === null) return null;
  // GitLab's paths do not differ by case alone.
  if (project.toLowerCase() === projectPath.toLowerCase()) return exactProject;
  const glob = projectGlobOf(mapping, project);
  return glob.matches(projectPath) ? glob.literalLength + 1 : null;
}

/** Rows never change after they were read, so what was made of one is good as long as there is the row. */
const projectGlobs = new WeakMap<JobMapping, ProjectGlob>();

function projectGlobOf(mapping: JobMapping, project: string): ProjectGlob {
  const known = projectGlobs.get(mapping);
  if (known) return known;
  const glob = compileProjectGlob(project);
  projectGlobs.set(mapping, glob);
  return glob;
}
