import type { Exactness } from '../../infrastructure/kit/exactness.ts';
import type { JobMapping } from '../job-mappings/job-mapping.ts';
import { possibleTargets, possibleTargetsOfJob, type TargetRoutes } from '../job-mappings/possible-targets.ts';
import type { RunnerChoice } from '../runner-store/runner-item.ts';

export type ChosenProfile = {
  readonly profile: string;
  readonly tags: readonly string[];
  readonly projectPath: string | null;
  readonly exact: Exactness | undefined;
  /** Its runner gets jobs of protected branches and tags alone. */
  readonly accessLevel?: 'ref_protected' | undefined;
};

/**
 * Whether the runner of a job may get jobs that are to run elsewhere, and whether others may wait for the job; told
 * from the mappings alone. Nothing where each profile's jobs have tags of their own.
 */
export function gateOf(chosen: ChosenProfile, routes: TargetRoutes): Pick<RunnerChoice, 'gated' | 'awaited'> {
  const mayGetOthers = answerOf('gets', chosen, routes, mayGetOthersJob);
  if (mayGetOthers) return chosen.exact === 'off' ? { awaited: true } : { gated: true };
  return answerOf('fits', chosen, routes, fitsOthersRunner) ? { awaited: true } : {};
}

function mayGetOthersJob({ profile, tags, projectPath, accessLevel }: ChosenProfile, routes: TargetRoutes): boolean {
  return possibleTargets({ tags, projectPath, accessLevel }, routes).some((target) => target.profile !== profile);
}

/**
 * Runners of other profiles with all of the job's tags and more: somebody has named such tags in a row or profile. With
 * the same tags there are others only where the job's own runner gets fewer jobs than theirs do.
 */
function fitsOthersRunner(chosen: ChosenProfile, routes: TargetRoutes): boolean {
  const { profile, tags } = chosen;
  const { mappings, profiles } = routes;
  const sameTags = chosen.accessLevel === undefined ? [] : possibleTargetsOfJob(chosen, routes);
  if (sameTags.some((target) => target.profile !== null && target.profile !== profile)) return true;
  if (tags.length === 0) return false;
  const hasMore = (others: readonly string[] = []) =>
    others.length > tags.length && tags.every((tag) => others.includes(tag));
  const ownNames = [profile, profiles[profile]?.functionArn];
  return (
    mappings.some(
      ({ tags: asked, target }) => target.type !== 'IGNORE' && !ownNames.includes(target.profile) && hasMore(asked),
    ) || Object.entries(profiles).some(([name, { tags: asked }]) => name !== profile && hasMore(asked))
  );
}

/** What each reading of the mappings says: their rows may be many, and jobs are alike. */
const answers = new WeakMap<readonly JobMapping[], Map<string, boolean>>();

function answerOf(
  question: string,
  chosen: ChosenProfile,
  routes: TargetRoutes,
  find: (chosen: ChosenProfile, routes: TargetRoutes) => boolean,
): boolean {
  const known = answers.get(routes.mappings) ?? new Map<string, boolean>();
  answers.set(routes.mappings, known);
  const key = JSON.stringify([
    question,
    chosen.profile,
    [...chosen.tags].sort(),
    chosen.projectPath,
    chosen.accessLevel,
  ]);
  const answer = known.get(key) ?? find(chosen, routes);
  known.set(key, answer);
  return answer;
}
