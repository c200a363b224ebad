import type { Exactness } from '../../infrastructure/kit/exactness.ts';
import type { JobEvent } from '../../infrastructure/kit/job-event.ts';
import type { ImageRule } from '../../infrastructure/kit/runner-ticket.ts';
import type { DefaultRunner, RuntimeProfile } from '../environment/environment.ts';
import { candidatesOf, chooseMapping } from '../job-mappings/choose-mapping.ts';
import type { JobMapping, MappingTarget } from '../job-mappings/job-mapping.ts';
import { areTagged, profileOfTags } from '../job-mappings/profile-tags.ts';
import type { Cap, RunnerChoice } from '../runner-store/runner-item.ts';
import { traitsOf } from '../runner-types/runner-types.ts';
import { gateOf } from './gate-of-choice.ts';

/** What a deployment offers. */
export type Offer = {
  readonly mappings: readonly JobMapping[];
  readonly profiles: Readonly<Record<string, RuntimeProfile>>;
  readonly defaultRunner: DefaultRunner;
  readonly maxConcurrent?: number | undefined;
  /** What the deployment says for rows that say nothing; the usual when absent. */
  readonly exact?: Exactness | undefined;
  /**
   * By the counter of a runner type, how many of its runners may live at the same time, so that the account has some
   * left for the control plane; those that are missing have no limit.
   */
  readonly accountLimits?: Readonly<Record<string, number>> | undefined;
};

/** What of an offer says whether a job is ours at all. */
type Routes = Pick<Offer, 'mappings' | 'profiles' | 'defaultRunner'>;
type JobWithTags = {
  readonly tags: readonly string[];
  /** Whether the job's ref is protected; where nobody asked for it, nothing depends on it. */
  readonly isProtected?: boolean | undefined;
};

export type RunnerDecision =
  | { readonly decision: 'IGNORE'; readonly reason: string }
  | {
      readonly decision: 'LAUNCH';
      /**
       * `fallback`: where the job runs once an attempt has failed. `standIn`: it runs already, on the runner of a job
       * that waits for this one.
       */
      readonly choice: RunnerChoice & { readonly fallback?: RunnerChoice; readonly standIn?: true };
      /** For a function: what it does with other jobs that say `image:`. */
      readonly images?: { readonly rules: readonly ImageRule[] };
      /** The event with what GitLab says of the job; what follows goes by this one. */
      readonly event?: JobEvent;
    };

/** What ChooseRunner says. `LOOK_AGAIN`: GitLab may call the job pending in a moment. */
export type RunnerAnswer = RunnerDecision | { readonly decision: 'LOOK_AGAIN'; readonly reason: string };

/** The mapping asks for something that this deployment does not offer; the message names the row and the remedy. */
export class MappingNotAllowedError extends Error {
  override readonly name = 'MappingNotAllowedError';
}

/**
 * Says whether the job could be sent to a runner of ours: when not, GitLab need not be asked for its tags. Where
 * profiles have tags, only a row without any says so before they are known: that one wins whatever tags the job has.
 */
export function mightBeOurs(event: JobEvent, { mappings, profiles, defaultRunner }: Routes): boolean {
  const rows = candidatesOf(event, mappings);
  if (rows.some(({ target }) => target.type !== 'IGNORE')) return true;
  if (rows.some((row) => row.tags.length === 0 && !row.isProtected)) return false;
  return defaultRunner.type !== 'IGNORE' || areTagged(profiles);
}

/**
 * Says whether a job is left to other runners: by its mapping, or by the default runner where nothing else names it.
 */
export function isLeftToOthers(event: JobEvent, job: JobWithTags, offer: Routes): boolean {
  // Whether its ref is protected is not known here: what depends on it may be ours.
  return [true, false].every((isProtected) => {
    return findTarget(event, { ...job, isProtected }, offer).target.type === 'IGNORE';
  });
}

/**
 * Where a job runs.
 *
 * @throws {MappingNotAllowedError} when its mapping names a function or profile that was not deployed.
 */
export function decideRunner(event: JobEvent, job: JobWithTags, offer: Offer): RunnerDecision {
  const { mapping, target, what } = findTarget(event, job, offer);
  if (target.type === 'IGNORE') return { decision: 'IGNORE', reason: `${what} leaves the job to other runners` };
  const profile = profileOf(target, offer.profiles, what);
  refuseUnprotected(profile, event, job, what);
  const circumstances = { event, tags: job.tags, isProtected: job.isProtected, mapping, offer };
  const chosen = choiceFor(profile, circumstances);
  if (target.fallbackProfile === undefined) return { decision: 'LAUNCH', choice: chosen };
  const other = fallbackOf(target.fallbackProfile, offer.profiles, what);
  refuseUnprotected(other, event, job, what);
  const fallback = choiceFor(other, circumstances);
  return { decision: 'LAUNCH', choice: { ...chosen, fallback } };
}

/** GitLab would never give the profile's runners the job: it would wait, and host after host with it. */
function refuseUnprotected(
  [name, { accessLevel }]: readonly [string, RuntimeProfile],
  { ref }: JobEvent,
  { isProtected }: JobWithTags,
  what: string,
): void {
  if (accessLevel !== 'ref_protected' || isProtected !== false) return;
  throw new MappingNotAllowedError(
    `${what} asks for the profile "${name}", which is for jobs of protected branches and tags only (accessLevel), and "${ref}" is not protected: ` +
      'protect it in GitLab, or write "protected": true into the mapping and another row for the other refs',
  );
}

type Circumstances = {
  readonly event: JobEvent;
  readonly tags: readonly string[];
  readonly isProtected: boolean | undefined;
  readonly mapping: JobMapping | null;
  readonly offer: Offer;
};

function choiceFor(
  [name, profile]: readonly [string, RuntimeProfile],
  { event, tags, isProtected, mapping, offer }: Circumstances,
): RunnerChoice {
  const { accountCounter } = traitsOf(profile);
  const caps: (Cap | null)[] = [
    capOf('cap#deployment', offer.maxConcurrent),
    accountCounter === null ? null : capOf(accountCounter, offer.accountLimits?.[accountCounter]),
    capOf(`cap#profile#${name}`, profile.maxConcurrent),
    mapping ? capOf(`cap#mapping#${mapping.id}`, mapping.maxConcurrent) : null,
  ];
  const exact = mapping?.exact ?? offer.exact;
  const timeoutMinutes = Math.min(mapping?.timeoutMinutes ?? profile.timeoutMinutes, profile.timeoutMinutes);
  return {
    type: profile.type,
    profile: name,
    functionArn: profile.functionArn ?? null,
    mapping: mapping?.id ?? null,
    tags: [...tags].sort(),
    timeoutSeconds: timeoutMinutes * 60,
    caps: caps.filter((cap) => cap !== null),
    ...(isProtected === undefined ? {} : { isProtected }),
    ...(profile.accessLevel === undefined ? {} : { accessLevel: profile.accessLevel }),
    ...(profile.isolateProjects ? { tenantId: `project-${event.projectId}` } : {}),
    ...gateOf({ profile: name, tags, projectPath: event.projectPath, exact, accessLevel: profile.accessLevel }, offer),
    ...(exact === undefined ? {} : { exact }),
  };
}

type FoundTarget = {
  readonly mapping: JobMapping | null;
  readonly target: MappingTarget;
  /** Who says so. */
  readonly what: string;
};

/** A row that matches, then the tags of profiles, then the default runner. */
function findTarget(
  event: JobEvent,
  { tags, isProtected }: JobWithTags,
  { mappings, profiles, defaultRunner }: Routes,
): FoundTarget {
  const mapping = chooseMapping({ ...event, tags, isProtected }, mappings);
  if (mapping) return { mapping, target: mapping.target, what: `mapping "${mapping.id}"` };
  const name = profileOfTags(tags, profiles);
  const type = name === null ? undefined : profiles[name]?.type;
  if (name === null || type === undefined) {
    return { mapping, target: defaultRunner, what: 'the default runner' };
  }
  return { mapping, target: { type, profile: name }, what: `the profile "${name}", whose tags the job has,` };
}

/**
 * A function is named by the profile that deployed it or by its ARN, and must be one of ours: the table cannot
 * escalate.
 */
function profileOf(target: Exclude<MappingTarget, { type: 'IGNORE' }>, profiles: Offer['profiles'], what: string) {
  const { profile: wanted } = target;
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
