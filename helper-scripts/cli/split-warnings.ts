import type { JobToMap } from '../../autoscaler/job-mappings/judge-mapping.ts';
import {
  type PossibleTarget,
  possibleTargets,
  type TargetRoutes,
  type Way,
} from '../../autoscaler/job-mappings/possible-targets.ts';
import { findTagSplits, type TagSplit } from './tag-splits.ts';

/** What it costs that one runner fits jobs of several targets, and what ends that. */
const priceOfSplits =
  'where jobs are split, their runners ask in the order of the jobs’ ids, so that one may wait until the host of an earlier one has booted; ' +
  'give each profile a tag of its own ("tags" in deployment.config.ts) and its jobs that tag, and none waits';
const untaggedRemedy =
  'runners that take untagged jobs (instance runners above all) may take them too: turn those off for the projects, or give the jobs a tag';

/** More rows of a target say nothing new. */
const mostWaysNamed = 3;

/** What a table and a configuration do not tell apart by tags: a line each. */
export function splitWarnings(routes: TargetRoutes): string[] {
  const { splits, untagged, unseenProjects } = findTagSplits(routes);
  return [
    ...splits.map(warningOf),
    ...(splits.length === 0 ? [] : [priceOfSplits]),
    ...(untagged.length === 0 ? [] : [`jobs without tags run on ${describeAll(untagged)}; ${untaggedRemedy}`]),
    ...(unseenProjects === 0 ? [] : [`${unseenProjects} more projects that rows name were not looked at for this`]),
  ];
}

/** The same for one job. */
export function splitWarningsOfJob({ tags, projectPath }: JobToMap, routes: TargetRoutes): string[] {
  const targets = possibleTargets({ tags, projectPath }, routes);
  const isOurs = targets.some(({ profile }) => profile !== null);
  if (!isOurs) return [];
  const split = `the job is split from others that its runner fits: ${describeAll(targets)}`;
  return [
    ...(targets.length > 1 ? [split, priceOfSplits] : []),
    ...(tags.length === 0 ? [`the job has no tags; ${untaggedRemedy}`] : []),
  ];
}

function warningOf({ tags, project, sameTags, targets }: TagSplit): string {
  const where = project === null ? '' : ` in ${project}`;
  return `${describeJobs(tags, sameTags, where)}: ${describeAll(targets)}`;
}

function describeJobs(tags: readonly string[], sameTags: boolean, where: string): string {
  if (tags.length === 0) return `jobs without tags${where} are split`;
  const list = `[${tags.join(', ')}]`;
  if (sameTags) return `jobs with the tags ${list}${where} are split`;
  return `jobs with the tags ${list}${where} are split from jobs with fewer of them, which fit the same runners`;
}

function describeAll(targets: readonly PossibleTarget[]): string {
  return targets.map(describe).join(', ');
}

function describe({ profile, ways }: PossibleTarget): string {
  const named = ways.slice(0, mostWaysNamed).map(describeWay);
  const more = ways.length - named.length;
  return `${profile ?? 'runners that are not ours'} (${named.join(', ')}${more > 0 ? ` and ${more} more` : ''})`;
}

function describeWay(way: Way): string {
  switch (way.kind) {
    case 'row':
      return way.id;
    case 'profile-tags':
      return `its tags [${way.tags.join(', ')}]`;
    case 'default':
      return 'the default runner';
  }
}
