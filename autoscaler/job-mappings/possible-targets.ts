import type { JobMapping, MappingTarget } from './job-mapping.ts';
import { differenceOf, type Fit, judgeMapping } from './judge-mapping.ts';
import { profileOfTags, type TaggedProfiles } from './profile-tags.ts';

/** What decides where jobs run. */
export type TargetRoutes = {
  readonly mappings: readonly JobMapping[];
  readonly profiles: Readonly<Record<string, TaggedProfiles[string] & { readonly functionArn?: string | undefined }>>;
  /** For jobs that neither a row nor the tags of a profile name. */
  readonly defaultRunner: { readonly type: string; readonly profile?: string | undefined };
};

/** The tags of a job or runner, and the path of the project whose jobs are meant. */
export type TagsInProject = { readonly tags: readonly string[]; readonly projectPath: string | null };

/** A runner; `accessLevel`: GitLab gives it jobs of protected branches and tags alone. */
export type RunnerInProject = TagsInProject & { readonly accessLevel?: 'ref_protected' | undefined };

/** How jobs come to a target: by a row, by the tags of a profile, or because nothing else names them. */
export type Way =
  | { readonly kind: 'row'; readonly id: string }
  | { readonly kind: 'profile-tags'; readonly tags: readonly string[] }
  | { readonly kind: 'default' };

/** Where a job may run. */
export type PossibleTarget = {
  /**
   * The profile; null for jobs that are left to other runners. A function or profile that the deployment has not stands
   * here as it was written. A row's `fallbackProfile` is no target: a job of the row may run in both.
   */
  readonly profile: string | null;
  readonly ways: readonly Way[];
};

/**
 * Where jobs may run that fit a runner with these tags: GitLab gives it jobs whose tags it all has, and untagged ones
 * only where it has none. More than one target means that a runner made for one job may get a job which belongs
 * elsewhere. Names, refs, stages and, where the runner is not for protected refs alone, protection may be any; the
 * answer is exact, and its cost grows with the rows in question and not with the subsets of the tags.
 */
export function possibleTargets(
  { tags, projectPath, accessLevel }: RunnerInProject,
  routes: TargetRoutes,
): readonly PossibleTarget[] {
  const runner = [...new Set(tags)];
  const rows = fitsOf({ tags: runner, projectPath }, routes.mappings);
  const asked = [...rows.map(({ mapping }) => mapping.tags), ...askedByProfiles(runner, routes.profiles)];
  const refs = accessLevel === undefined ? [ofProtectedRefs, ofOtherRefs] : [ofProtectedRefs];
  return byTarget(
    jobTagsToTry(runner, asked).flatMap((jobTags) => refs.flatMap((one) => outcomesFor(jobTags, rows, routes, one))),
  );
}

/** Where a job of exactly these tags may run. */
export function possibleTargetsOfJob(job: TagsInProject, routes: TargetRoutes): readonly PossibleTarget[] {
  const rows = fitsOf(job, routes.mappings);
  return byTarget([ofProtectedRefs, ofOtherRefs].flatMap((refs) => outcomesFor(job.tags, rows, routes, refs)));
}

/** Jobs of protected branches and tags, or all others. */
type Protection = { readonly isProtected: boolean };
const ofProtectedRefs: Protection = { isProtected: true };
const ofOtherRefs: Protection = { isProtected: false };

type Outcome = { readonly profile: string | null; readonly way: Way };

/**
 * The tags of jobs that show all that can happen. What a row or profile asks for is the fewest tags with which it can
 * be chosen, and more tags only bring rivals. Nothing else tells tags apart: of those that nobody asks for alone, one
 * stands for all.
 */
function jobTagsToTry(runner: readonly string[], asked: readonly (readonly string[])[]): (readonly string[])[] {
  if (runner.length === 0) return [[]];
  const distinct = new Map(asked.filter(({ length }) => length > 0).map((tags) => [JSON.stringify(tags), tags]));
  const anyOther = runner.find((tag) => !distinct.has(JSON.stringify([tag])));
  return [...distinct.values(), ...(anyOther === undefined ? [] : [[anyOther]])];
}

/** The rows that could be a job's whose name is the row's own. */
function fitsOf({ tags, projectPath }: TagsInProject, mappings: readonly JobMapping[]): Fit[] {
  const onRunner = new Set(tags);
  const inReach = rowsByTags(mappings).filter(([row]) => row.tags.every((tag) => onRunner.has(tag)));
  return inReach.flat().flatMap((mapping) => {
    const { jobName } = mapping;
    const judgement = judgeMapping(mapping, {
      ...{ jobName, baseName: jobName, projectPath, tags: onRunner },
      conditions: 'any',
    });
    return judgement.kind === 'fits' ? [judgement] : [];
  });
}

type RowsOfTags = readonly [JobMapping, ...JobMapping[]];

const groups = new WeakMap<readonly JobMapping[], readonly RowsOfTags[]>();

/**
 * The rows of one reading of the table, those of the same tags together: made once, since a table has far fewer sets of
 * tags than rows.
 */
function rowsByTags(mappings: readonly JobMapping[]): readonly RowsOfTags[] {
  const known = groups.get(mappings);
  if (known) return known;
  const made = [...Map.groupBy(mappings, ({ tags }) => JSON.stringify(tags)).values()] as unknown as RowsOfTags[];
  groups.set(mappings, made);
  return made;
}

function askedByProfiles(runner: readonly string[], profiles: TaggedProfiles): (readonly string[])[] {
  const onRunner = new Set(runner);
  return Object.values(profiles).flatMap(({ tags = [] }) => {
    return tags.every((tag) => onRunner.has(tag)) ? [[...tags].sort()] : [];
  });
}

/**
 * All that may become of jobs of these tags. Of the rows of one name the most specific one is the only one that is ever
 * chosen, and it is chosen for the job that is called just so, wildcards and all. A job that no row names is there
 * unless a row is for every name.
 */
function outcomesFor(
  jobTags: readonly string[],
  rows: readonly Fit[],
  routes: TargetRoutes,
  { isProtected }: Protection,
): Outcome[] {
  const onJob = new Set(jobTags);
  const best = new Map<string, Fit>();
  const inReach = rows.filter(
    ({ mapping }) => (isProtected || !mapping.isProtected) && mapping.tags.every((tag) => onJob.has(tag)),
  );
  for (const row of inReach) {
    if (isForSome(row.mapping)) continue;
    const rival = best.get(row.mapping.jobName);
    if (rival === undefined || differenceOf(row, rival).order < 0) best.set(row.mapping.jobName, row);
  }
  // A row for some refs or stages is chosen for some of the jobs, and leaves the others to the best one without.
  const conditional = inReach.filter((row) => {
    const rival = best.get(row.mapping.jobName);
    return isForSome(row.mapping) && (rival === undefined || differenceOf(row, rival).order < 0);
  });
  const chosen = [...best.values(), ...conditional].map(({ mapping }): Outcome => {
    return { profile: profileOfTarget(mapping.target, routes.profiles), way: { kind: 'row', id: mapping.id } };
  });
  // No name is empty.
  const everyNameHasRow = [...best.keys()].some((name) => /^(?=.*\*)\**\??\**$/u.test(name));
  return everyNameHasRow ? chosen : [...chosen, withoutRow(jobTags, routes)];
}

/** Whether a row leaves some of the jobs of its name, project, tags and protection to others. */
function isForSome({ ref, stage }: JobMapping): boolean {
  return ref !== undefined || stage !== undefined;
}

function withoutRow(jobTags: readonly string[], { profiles, defaultRunner }: TargetRoutes): Outcome {
  const profile = profileOfTags(jobTags, profiles);
  if (profile === null) return { profile: defaultRunner.profile ?? null, way: { kind: 'default' } };
  return { profile, way: { kind: 'profile-tags', tags: profiles[profile]?.tags ?? [] } };
}

/** A function may be named by its ARN or by the profile that deployed it. */
function profileOfTarget(target: MappingTarget, profiles: TargetRoutes['profiles']): string | null {
  if (target.type === 'IGNORE') return null;
  if (Object.hasOwn(profiles, target.profile)) return target.profile;
  const deployed = Object.entries(profiles).find(([, { functionArn }]) => functionArn === target.profile);
  return deployed?.[0] ?? target.profile;
}

function byTarget(outcomes: readonly Outcome[]): PossibleTarget[] {
  return [...Map.groupBy(outcomes, ({ profile }) => profile)].map(([profile, its]) => {
    const ways = new Map(its.map(({ way }) => [JSON.stringify(way), way]));
    return { profile, ways: [...ways.values()] };
  });
}
