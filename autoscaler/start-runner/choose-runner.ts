import type { JobEvent } from '../../infrastructure/lib/job-event.ts';
import type { ImageRule } from '../../infrastructure/lib/runner-ticket.ts';
import type { DefaultRunner, RuntimeProfile } from '../environment.ts';
import { chooseMapping, couldMatch } from '../job-mappings/choose-mapping.ts';
import type { JobMapping, MappingTarget } from '../job-mappings/job-mapping.ts';
import { lambdaCounter } from '../runners/lambda-limit.ts';
import type { Cap, RunnerChoice } from '../runners/runner-item.ts';

/** What a deployment offers. */
export type Offer = {
  readonly mappings: readonly JobMapping[];
  readonly profiles: Readonly<Record<string, RuntimeProfile>>;
  readonly defaultRunner: DefaultRunner;
  readonly maxConcurrent?: number | undefined;
  /** How many LAMBDA jobs may run at the same time, so that the account has executions left for the control plane. */
  readonly lambdaJobsAtOnce?: number | undefined;
};

/** What of an offer says whether a job is ours at all. */
type Routes = Pick<Offer, 'mappings' | 'defaultRunner'>;
type JobWithTags = { readonly tags: readonly string[] };

export type RunnerDecision =
  | { readonly decision: 'IGNORE'; readonly reason: string }
  | {
      readonly decision: 'LAUNCH';
      /** `fallback`: where the job runs once an attempt has failed. `standIn`: it runs already, on the runner of a job that waits for this one. */
      readonly choice: RunnerChoice & { readonly fallback?: RunnerChoice; readonly standIn?: true };
      /** For a function: what it does with other jobs that say `image:`. */
      readonly images?: { readonly rules: readonly ImageRule[] };
    };

/** What ChooseRunner says. `LOOK_AGAIN`: GitLab may call the job pending in a moment. */
export type RunnerAnswer = RunnerDecision | { readonly decision: 'LOOK_AGAIN'; readonly reason: string };

/** The mapping asks for something that this deployment does not offer; the message names the row and the remedy. */
export class MappingNotAllowedError extends Error {
  override readonly name = 'MappingNotAllowedError';
}

/** Says whether any mapping could send the job to a runner of ours: when not, GitLab need not be asked for the job's tags. */
export function mightBeOurs(event: JobEvent, { mappings, defaultRunner }: Offer): boolean {
  if (defaultRunner.type !== 'IGNORE') return true;
  return mappings.some((mapping) => mapping.target.type !== 'IGNORE' && couldMatch(mapping, event));
}

/** Says whether a job is left to other runners: by its mapping, or by the default runner where no mapping matches. */
export function isLeftToOthers(event: JobEvent, job: JobWithTags, offer: Routes): boolean {
  return findTarget(event, job, offer).target.type === 'IGNORE';
}

/**
 * Where a job runs.
 *
 * @throws {MappingNotAllowedError} when its mapping names a function or profile that was not deployed.
 */
export function decideRunner(event: JobEvent, job: JobWithTags, offer: Offer): RunnerDecision {
  const { mapping, target } = findTarget(event, job, offer);
  const what = mapping ? `mapping "${mapping.id}"` : 'the default runner';
  if (target.type === 'IGNORE') return { decision: 'IGNORE', reason: `${what} leaves the job to other runners` };
  const chosen = choiceFor(profileOf(target, offer.profiles, what), { event, tags: job.tags, mapping, offer });
  if (target.type !== 'LAMBDA' || target.fallbackProfile === undefined) return { decision: 'LAUNCH', choice: chosen };
  const other = fallbackOf(target.fallbackProfile, offer.profiles, what);
  const fallback = choiceFor(other, { event, tags: job.tags, mapping, offer });
  return { decision: 'LAUNCH', choice: { ...chosen, fallback } };
}

type Circumstances = {
  readonly event: JobEvent;
  readonly tags: readonly string[];
  readonly mapping: JobMapping | null;
  readonly offer: Offer;
};

function choiceFor(
  [name, profile]: readonly [string, RuntimeProfile],
  { event, tags, mapping, offer }: Circumstances,
): RunnerChoice {
  const caps: (Cap | null)[] = [
    capOf('cap#deployment', offer.maxConcurrent),
    profile.type === 'LAMBDA' ? capOf(lambdaCounter, offer.lambdaJobsAtOnce) : null,
    capOf(`cap#profile#${name}`, profile.maxConcurrent),
    mapping ? capOf(`cap#mapping#${mapping.id}`, mapping.maxConcurrent) : null,
  ];
  const timeoutMinutes = Math.min(mapping?.timeoutMinutes ?? profile.timeoutMinutes, profile.timeoutMinutes);
  return {
    type: profile.type,
    profile: name,
    functionArn: profile.functionArn ?? null,
    mapping: mapping?.id ?? null,
    tags: [...tags].sort(),
    timeoutSeconds: timeoutMinutes * 60,
    caps: caps.filter((cap) => cap !== null),
    ...(profile.isolateProjects ? { tenantId: `project-${event.projectId}` } : {}),
  };
}

function findTarget(event: JobEvent, { tags }: JobWithTags, { mappings, defaultRunner }: Routes) {
  const mapping = chooseMapping({ ...event, tags }, mappings);
  return { mapping, target: mapping ? mapping.target : targetOfDefault(defaultRunner) };
}

function targetOfDefault(runner: DefaultRunner): MappingTarget {
  return runner.type === 'LAMBDA' ? { type: 'LAMBDA', function: runner.profile } : runner;
}

/** A function is named by the profile that deployed it or by its ARN, and must be one of ours: the table cannot escalate. */
function profileOf(target: Exclude<MappingTarget, { type: 'IGNORE' }>, profiles: Offer['profiles'], what: string) {
  const wanted = target.type === 'LAMBDA' ? target.function : target.profile;
  const found = Object.entries(profiles).find(
    ([name, profile]) => profile.type === target.type && (name === wanted || profile.functionArn === wanted),
  );
  if (found) return found;
  const known = Object.keys(profiles).filter((name) => profiles[name]?.type === target.type);
  throw new MappingNotAllowedError(
    `${what} asks for the ${target.type} runner "${wanted}", which this deployment has not; name one of: ${known.join(', ') || '(none)'}`,
  );
}

/** A fallback may be of any type, and must be deployed as well: a job would else find out only when it needs it. */
function fallbackOf(wanted: string, profiles: Offer['profiles'], what: string) {
  const profile = Object.hasOwn(profiles, wanted) ? profiles[wanted] : undefined;
  if (profile) return [wanted, profile] as const;
  throw new MappingNotAllowedError(
    `${what} falls back to the profile "${wanted}", which this deployment has not; name one of: ${Object.keys(profiles).join(', ')}`,
  );
}

function capOf(counter: string, limit: number | undefined): Cap | null {
  return limit === undefined ? null : { counter, limit };
}
