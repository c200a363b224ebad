import type { ImageRule } from '../../infrastructure/kit/runner-ticket.ts';
import type { DefaultRunner, RuntimeProfile } from '../environment/environment.ts';
import type { JobMapping, MappingTarget, RunnerType } from '../job-mappings/job-mapping.ts';
import { conditionsOf, differenceOf, type Fit, judgeMapping, putInQuestion } from '../job-mappings/judge-mapping.ts';
import { literalLength, prefixLength } from '../job-mappings/name-glob.ts';
import { traitsOf } from '../runner-types/runner-types.ts';

/** A function's event takes no more than 256 KiB, and its rules are evaluated by a shell. */
const longestRulesCharacters = 16_384;
/**
 * Above every glob; of two exact names that fit one job, `rspec 3/28` and `rspec`, the longer one is the more exact.
 */
const exactNameRank = 1_000_000;

type Runner = { readonly projectPath: string | null; readonly tags: readonly string[] };
type Routes = {
  readonly mappings: readonly JobMapping[];
  readonly profiles: Readonly<Record<string, Pick<RuntimeProfile, 'type' | 'tags'>>>;
  readonly defaultRunner: DefaultRunner;
};

/**
 * Of the jobs that GitLab may give to a function's runner, which are surely mapped to no function, by name: the first
 * rule that fits decides. None when all of them are mapped to functions. A row for some refs or stages, or with tags
 * that a job may or may not have, says nothing for sure, and is left out when it would refuse: to refuse a job that is
 * in the right place is worse than to run one that is not. So is all, when there are too many rows.
 */
export function imageRulesFor(runner: Runner, routes: Routes): readonly ImageRule[] {
  const known = rulesOfReading.get(routes.mappings) ?? new Map<string, readonly ImageRule[]>();
  rulesOfReading.set(routes.mappings, known);
  const key = JSON.stringify([runner, routes.defaultRunner]);
  const rules = known.get(key) ?? makeRules(runner, routes);
  known.set(key, rules);
  return rules;
}

/** Rows that were read together are never changed, and jobs of the same tags come one after the other. */
const rulesOfReading = new WeakMap<readonly JobMapping[], Map<string, readonly ImageRule[]>>();

function makeRules(runner: Runner, { mappings, profiles, defaultRunner }: Routes): readonly ImageRule[] {
  const refusals = new Map<string, string | null>();
  for (const { mapping } of fitsOf(runner, mappings)) {
    const { jobName: name, tags, target } = mapping;
    const isCertain = (tags.length === 0 || runner.tags.length === 1) && conditionsOf(mapping) === 0;
    // Of rows of one name the most specific decides.
    if (refusals.has(name)) continue;
    if (refusesImages(target)) refusals.set(name, null);
    else if (isCertain) refusals.set(name, `its mapping "${mapping.id}" ${wordsOf(target)}`);
  }
  const isFitting = ({ tags = [] }: Routes['profiles'][string]) =>
    tags.length > 0 && tags.every((tag) => runner.tags.includes(tag));
  const byDefault =
    refusesImages(defaultRunner) ||
    Object.values(profiles).some((profile) => refusesImages(profile) && isFitting(profile))
      ? null
      : `no mapping names it, and the default ${wordsOf(defaultRunner)}`;
  const rules = [...refusals].map(([name, refusal]) => ({ name, refusal }));
  return inReason(refusals.has('*') ? rules : [...rules, { name: '*', refusal: byDefault }]);
}

/** The rows that a job may have which fits this runner, the most specific first. */
function fitsOf({ projectPath, tags }: Runner, mappings: readonly JobMapping[]): Fit[] {
  const fits = mappings.flatMap((mapping) => {
    const question = putInQuestion({ jobName: mapping.jobName, projectPath, tags });
    const judgement = judgeMapping(mapping, { ...question, conditions: 'any' });
    return judgement.kind === 'fits' ? [{ ...judgement, name: rankOf(mapping.jobName) }] : [];
  });
  return fits.sort((a, b) => differenceOf(a, b).order);
}

function rankOf(name: string): number {
  if (name === '*') return 0;
  return prefixLength(name) === name.length ? exactNameRank + name.length : literalLength(name) + 1;
}

/** Whoever fits no rule goes on, so that what lets go on at the end need not be said. */
function inReason(rules: readonly ImageRule[]): readonly ImageRule[] {
  const needed = rules.slice(0, rules.findLastIndex(({ refusal }) => refusal !== null) + 1);
  return JSON.stringify(needed).length > longestRulesCharacters ? [] : needed;
}

function refusesImages({ type }: { readonly type: RunnerType | 'IGNORE' }): boolean {
  return type !== 'IGNORE' && traitsOf({ type }).refusesImages;
}

function wordsOf(target: MappingTarget | DefaultRunner): string {
  return target.type === 'IGNORE' ? 'leaves it to other runners' : `sends it to ${target.type} ${target.profile}`;
}
