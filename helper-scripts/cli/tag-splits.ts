import type { JobMapping } from '../../autoscaler/job-mappings/job-mapping.ts';
import {
  type PossibleTarget,
  possibleTargets,
  possibleTargetsOfJob,
  type TargetRoutes,
} from '../../autoscaler/job-mappings/possible-targets.ts';
import { compileProjectGlob } from '../../autoscaler/job-mappings/project-glob.ts';
import type { Deployment } from '../../infrastructure/deployment/deployment.ts';

/** Jobs of several targets that fit one runner, since nothing in their tags tells them apart. */
export type TagSplit = {
  /** Of the runner. */
  readonly tags: readonly string[];
  /** The projects, as a row names them; null for those that no row names. */
  readonly project: string | null;
  /** Already jobs of exactly these tags are split; else only those that have fewer of them go elsewhere. */
  readonly sameTags: boolean;
  readonly targets: readonly PossibleTarget[];
};

export type TableSplits = {
  readonly splits: readonly TagSplit[];
  /** Where jobs without tags go, when to runners of ours. */
  readonly untagged: readonly PossibleTarget[];
  /** Projects that were too many to be looked at. */
  readonly unseenProjects: number;
};

/** A table may name thousands of projects, and its faults are the same in most of them. */
const mostProjects = 300;

/**
 * Where jobs run: the rows, and what the configuration at hand says beside them. Without one, jobs without a row are
 * left to others.
 */
export function routesOf(mappings: readonly JobMapping[], configured: Deployment | null): TargetRoutes {
  const entries = Object.entries(configured?.profiles ?? {});
  const lambdas = entries.filter(([, { type }]) => type === 'LAMBDA');
  const arns = new Set(mappings.flatMap(({ target }) => (target.type === 'LAMBDA' ? [target.profile] : [])));
  // Rows name functions of this deployment alone: where it has one, every ARN is that one's. Of several, only the stack
  // knows.
  const [functionArn] = lambdas.length === 1 ? [...arns].filter((name) => name.startsWith('arn:')) : [];
  const profiles = entries.map(([name, { type, tags }]) => {
    return [name, type === 'LAMBDA' && functionArn !== undefined ? { tags, functionArn } : { tags }] as const;
  });
  return {
    mappings,
    profiles: Object.fromEntries(profiles),
    defaultRunner: configured?.defaultRunner ?? { type: 'IGNORE' },
  };
}

/**
 * Every set of tags that a row or profile names, and none, in every project that rows tell apart: whose jobs fit one
 * runner and belong to several targets.
 */
export function findTagSplits(routes: TargetRoutes): TableSplits {
  const everywhere = routes.mappings.filter(({ project }) => project === undefined);
  const ofProjects = projectsOf(routes.mappings);
  const profiles = Object.values(routes.profiles).map(({ tags }) => tags ?? []);
  const common = distinctSets([[], ...everywhere.map(({ tags }) => tags), ...profiles]);
  const told = new Set<string>();
  const untagged = new Map<string, PossibleTarget>();
  const lookAt = (tags: readonly string[], project: string | null, projectPath: string | null): TagSplit[] => {
    const targets = possibleTargets({ tags, projectPath }, routes);
    if (tags.length === 0) for (const one of targets) if (one.profile !== null) untagged.set(JSON.stringify(one), one);
    const key = JSON.stringify(targets);
    // What is so in every project, or whatever the tags are, is told once.
    if (targets.length < 2 || told.has(key)) return [];
    told.add(key);
    const sameTags = possibleTargetsOfJob({ tags, projectPath }, routes).length > 1;
    return [{ tags, project, sameTags, targets }];
  };
  const splits = common.flatMap((tags) => lookAt(tags, null, null));
  for (const { project } of ofProjects.slice(0, mostProjects)) {
    const path = examplePathOf(project);
    const own = ofProjects.filter(({ glob, project: one }) => one === path || glob.matches(path));
    const ownTags = distinctSets(own.flatMap(({ rows }) => rows.map(({ tags }) => tags)));
    // Of the tags that are known already, only those are told otherwise that a row of the project asks for too.
    const others = common.filter((tags) => ownTags.some((asked) => asked.every((tag) => tags.includes(tag))));
    splits.push(...distinctSets([...ownTags, ...others]).flatMap((tags) => lookAt(tags, project, path)));
  }
  return {
    splits,
    untagged: [...untagged.values()],
    unseenProjects: Math.max(0, ofProjects.length - mostProjects),
  };
}

function projectsOf(mappings: readonly JobMapping[]) {
  const byProject = Map.groupBy(mappings, ({ project }) => project);
  return [...byProject].flatMap(([project, rows]) => {
    return project === undefined ? [] : [{ project, rows, glob: compileProjectGlob(project) }];
  });
}

function distinctSets(sets: readonly (readonly string[])[]): (readonly string[])[] {
  const sorted = sets.map((tags) => [...tags].sort());
  return [...new Map(sorted.map((tags) => [JSON.stringify(tags), tags])).values()];
}

/** A path that a glob means. What stands for itself is its own example. */
function examplePathOf(glob: string): string {
  const path = glob
    .replace(/\{([^{},]*)[^{}]*\}/gu, '$1')
    .replace(/\[[!^][^\]]*\]/gu, 'x')
    .replace(/\[(.)[^\]]*\]/gu, '$1')
    .replace(/\*+|\?/gu, 'x');
  return compileProjectGlob(glob).matches(path) ? path : glob;
}
