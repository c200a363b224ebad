import type { JobMapping } from '../../autoscaler/job-mappings/job-mapping.ts';
import {
  type PossibleTarget,
  possibleTargets,
  possibleTargetsOfJob,
  type TargetRoutes,
} from '../../autoscaler/job-mappings/possible-targets.ts';
import { compileProjectGlob } from '../../autoscaler/job-mappings/project-glob.ts';
import type { Deployment } from '../../infrastructure/lib/deployment.ts';

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

/** Where jobs run: the rows, and what the configuration at hand says beside them. Without one, jobs without a row are left to others. */
export function routesOf(mappings: readonly JobMapping[], configured: Deployment | null): TargetRoutes {
  const entries = Object.entries(configured?.profiles ?? {});
  const lambdas = entries.filter(([, { type }]) => type === 'LAMBDA');
  const arns = new Set(mappings.flatMap(({ target }) => (target.type === 'LAMBDA' ? [target.function] : [])));
  // Rows name functions of this deployment alone: where it has one, every ARN is that one's. Of several, only the stack knows.
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

/** Every set of tags that a row or profile names, and none, in every project that rows tell apart: whose jobs fit one runner and belong to several. */
export function findTagSplits(routes: TargetRoutes): TableSplits {
  const everywhere = routes.mappings.filter(({ project }) => project === undefined);
  const ofProjects = Map.groupBy(
    routes.mappings.filter(({ project }) => project !== undefined),
    ({ project }) => project as string,
  );
  const projects = [...ofProjects.keys()];
  const told = new Set<string>();
  const untagged = new Map<string, PossibleTarget>();
  const lookAt = (project: string | null): TagSplit[] => {
    const projectPath = project === null ? null : examplePathOf(project);
    const rows = [...everywhere, ...(projectPath === null ? [] : rowsOf(projectPath, ofProjects))];
    const inProject = { ...routes, mappings: rows };
    const tagSets = [
      [],
      ...rows.map(({ tags }) => tags),
      ...Object.values(routes.profiles).map(({ tags }) => tags ?? []),
    ];
    const splits = distinctSets(tagSets).flatMap((tags): TagSplit[] => {
      const targets = possibleTargets({ tags, projectPath }, inProject);
      if (tags.length === 0) {
        for (const target of targets) if (target.profile !== null) untagged.set(JSON.stringify(target), target);
      }
      // What is so in every project, or whatever the tags are, is told once.
      if (targets.length < 2 || told.has(JSON.stringify(targets))) return [];
      told.add(JSON.stringify(targets));
      const sameTags = possibleTargetsOfJob({ tags, projectPath }, inProject).length > 1;
      return [{ tags, project, sameTags, targets }];
    });
    return splits;
  };
  const splits = [null, ...projects.slice(0, mostProjects)].flatMap(lookAt);
  return { splits, untagged: [...untagged.values()], unseenProjects: Math.max(0, projects.length - mostProjects) };
}

function rowsOf(projectPath: string, ofProjects: ReadonlyMap<string, readonly JobMapping[]>): JobMapping[] {
  return [...ofProjects].flatMap(([project, rows]) => {
    return project === projectPath || compileProjectGlob(project).matches(projectPath) ? rows : [];
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
