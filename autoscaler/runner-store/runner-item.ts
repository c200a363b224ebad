import type { Exactness } from '../../infrastructure/kit/exactness.ts';
import type { JobEvent } from '../../infrastructure/kit/job-event.ts';
import type { JobKey } from '../../infrastructure/kit/job-key.ts';
import type { RunnerType } from '../job-mappings/job-mapping.ts';

/**
 * The life of one job's runner. States only move forward; FAILED and a RELEASED runner that served another job may be
 * admitted again, as the job's next attempt.
 */
export const runnerStates = [
  'WAITING',
  'ADMITTED',
  'REGISTERED',
  'LAUNCHED',
  'RUNNING',
  'STOPPING',
  'RELEASED',
  'FAILED',
] as const;
export type RunnerState = (typeof runnerStates)[number];

export const jobStates = ['PENDING', 'RUNNING', 'FINISHED'] as const;
/** What we know of the job itself: its own runner may well have taken another job. */
export type JobState = (typeof jobStates)[number];

/**
 * Why a job waits although no cap keeps it: we could not ask, may not now, or a person must mend something. It costs no
 * attempt, and ends with the job. Times are ISO 8601.
 */
export type Wait = {
  /** Name of the error that was met last. */
  readonly error: string;
  /** What it said, with its remedy. */
  readonly message: string;
  /** Since when the job waits so, whatever it met. */
  readonly since: string;
  readonly lookAt: string;
  /** How often it was looked at in vain. */
  readonly looks: number;
};

/** A limit on runners at the same time, and the counter that keeps it. */
export type Cap = {
  readonly counter: string;
  readonly limit: number;
  /** Of an item that holds a place under a wide cap: in which part of its counter. */
  readonly shard?: number;
};

/** Where a job runs: the outcome of the mappings, the profiles and the job's tags. */
export type RunnerChoice = {
  readonly type: RunnerType;
  readonly profile: string;
  /** LAMBDA: the function to invoke. */
  readonly functionArn: string | null;
  /** Id of the row that decided; null for the tags of a profile, and for the deployment's default. */
  readonly mapping: string | null;
  /** The job's tags, which become the runner's. */
  readonly tags: readonly string[];
  readonly timeoutSeconds: number;
  readonly caps: readonly Cap[];
  /** LAMBDA: jobs of other tenants never run in this one's execution environments; for profiles that ask for that. */
  readonly tenantId?: string | undefined;
  /** Whether the job's ref is protected; absent where nothing depended on it, so that nobody asked. */
  readonly isProtected?: boolean | undefined;
  /** The job's ref is protected, and its runner is for such jobs alone. */
  readonly accessLevel?: 'ref_protected' | undefined;
  /**
   * Jobs of other profiles, or such that are left to others, may fit the job's runner: it may ask for a job in its turn
   * only. Absent where nothing of the kind can be, and where `exact` is off.
   */
  readonly gated?: true | undefined;
  /** It is not gated itself, and runners of other profiles may fit the job: they may wait for it. */
  readonly awaited?: true | undefined;
  /** How long the job waits for earlier ones of other profiles; {@link defaultExactSeconds} when absent. */
  readonly exact?: Exactness | undefined;
};

/** Where a job's mapping sends it. IGNORE: to runners that are not ours, which are no profile. */
export type Place = {
  readonly type: RunnerType | 'IGNORE';
  readonly profile: string | null;
  /** Id of the row that decided; null for the deployment's default. */
  readonly mapping: string | null;
};

/** A job that GitLab gave to a runner of another profile than its mapping names, and where it should have run. */
export type Misplacement = Place & { readonly job: JobKey };

/**
 * Whose jobs and runners may meet: those of a project, or those of a long-lived runner, whose hosts may work for many
 * projects. Live items are indexed by it.
 */
export type LivePool = `project#${number}` | `runner#${number}`;

/**
 * One item of the runners table: a GitLab job that we acted on, and the runner that was made for it. Times are ISO
 * 8601.
 */
export type RunnerItem = RunnerChoice & {
  readonly pk: JobKey;
  readonly state: RunnerState;
  readonly jobState: JobState;
  readonly attempt: number;
  /**
   * How many of the attempts are no failures: their runners worked for other jobs, lost their spot instance while idle,
   * or were never started.
   */
  readonly excusedAttempts?: number;
  /** Who admitted the job: a workflow execution that tries again finds its own admission. */
  readonly admittedBy: string;
  /** The event that asked for the runner, to ask again with. */
  readonly event: JobEvent;
  /** Id in GitLab of the runner that was made for the job; that runner has no other host. */
  readonly runnerId?: number;
  /**
   * Id in GitLab of the long-lived runner of whose managers the host is one, instead of `runnerId`: many items have the
   * same.
   */
  readonly managerOf?: number;
  /** Key of the ticket that holds the runner's token until the host claims it. */
  readonly ticketId?: string;
  /** EC2: what IAM calls the host, which is the key of the one ticket that it may claim. */
  readonly claimsAs?: string;
  /** Gated: since when its runner may ask for a job; absent while it is held. */
  readonly turnAt?: string;
  /** Gated: since when its runner may be paused in GitLab, since it had its token and was out of turn. */
  readonly pausedAt?: string;
  /** Since when it is so no more. */
  readonly unpausedAt?: string;
  readonly launchGroup?: LaunchGroup;
  /** When a launch was tried for it last; stays when there was no capacity and the item left its group. */
  readonly launchTriedAt?: string;
  /** No spot capacity for this job, whatever its profile says: it was interrupted once. */
  readonly onDemandOnly?: boolean;
  readonly instanceId?: string;
  /** When EC2 said that it takes the runner's spot instance back. */
  readonly interruptedAt?: string;
  /** The job that this runner really took; GitLab gives a job to any runner that fits. */
  readonly takenJob?: JobKey;
  /** GitLab contradicted a hook that said that the runner has its own job: hooks are not believed of it any more. */
  readonly unbound?: true;
  /** Where the job that it took should have run, when that is not here. */
  readonly misplaced?: Misplacement;
  /** Why the last attempt failed that counts. */
  readonly failure?: string;
  /**
   * WAITING: for what, if not for a place under its caps. Stays while the next attempt begins, which may meet the same.
   */
  readonly waitsFor?: Wait;
  /** WAITING for a place: what was in the way before, and may be again. */
  readonly waitedFor?: Wait;
  /**
   * Why the attempt is over, where GitLab could not be asked as that was told: it is to be ended as soon as GitLab can
   * be.
   */
  readonly overBecause?: Pick<Wait, 'error' | 'message'>;
  /** WAITING: the attempt of this number was begun and given up, so that the next one has the next number. */
  readonly attemptBegun?: boolean;
  /** WAITING for a place: who made room and told this job, and when. Each tells another one. */
  readonly calledBy?: string;
  readonly calledAt?: string;
  readonly admittedAt: string;
  readonly registeredAt?: string;
  readonly launchedAt?: string;
  readonly pickedUpAt?: string;
  readonly stoppedAt?: string;
  /** Set while the runner lives or the job is not over: what the sparse index of live items holds. */
  readonly live?: typeof liveMark | typeof waitingMark;
  /** Time to live, seconds since 1970. */
  readonly expiresAt?: number;
};

/**
 * The requests that one launch serves, and all that its CreateFleet calls say: written down before the first call, so
 * that a repeated message makes the very same calls, whatever was deployed meanwhile.
 */
export type LaunchGroup = {
  readonly id: string;
  readonly jobs: readonly JobKey[];
  readonly profile: string;
  readonly begunAt: string;
  readonly source: LaunchSource;
  /** Tags of the job, when it is the only one: a call gives all of its instances the same tags. */
  readonly jobTags?: Readonly<Record<string, string>>;
};

/** What instances are launched from, and on which terms. */
export type LaunchSource = {
  readonly launchTemplateId: string;
  readonly launchTemplateVersion: string;
  /** Unique id of the hosts' role (`AROA...`), by which each claims its ticket. */
  readonly hostRoleId: string;
  readonly instanceTypes: readonly string[];
  readonly subnetIds: readonly string[];
  readonly onDemand: 'never' | 'fallback' | 'always';
  readonly maxPriceUsd?: number | undefined;
  /** The user's, of everything that is launched. */
  readonly tags?: Readonly<Record<string, string>> | undefined;
};

export const liveMark = 'live';
/** Of a live item whose job waits for a place under its caps: those are found by themselves. */
export const waitingMark = 'waiting';

/** Items of ended runners stay this long, for people who ask what happened. */
export const endedItemDays = 14;

/** When an item that ends now is forgotten, in seconds since 1970. `now`: milliseconds. */
export function expiryOf(now: number): number {
  return Math.floor(now / 1_000) + endedItemDays * 24 * 60 * 60;
}

/** Of an item, where its job runs. */
export function choiceOf(item: RunnerItem): RunnerChoice {
  const { type, profile, functionArn, mapping, tags, timeoutSeconds, caps } = item;
  const { tenantId, isProtected, accessLevel, gated, awaited, exact } = item;
  return {
    ...{ type, profile, functionArn, mapping, tags, timeoutSeconds, caps },
    ...(tenantId === undefined ? {} : { tenantId }),
    ...(isProtected === undefined ? {} : { isProtected }),
    ...(accessLevel === undefined ? {} : { accessLevel }),
    ...(gated ? { gated } : {}),
    ...(awaited ? { awaited } : {}),
    ...(exact === undefined ? {} : { exact }),
  };
}

/**
 * How many of an item's attempts count against `maxAttempts`: those whose runner was started and failed, and the one
 * that is under way.
 */
export function attemptsUsed({
  attempt,
  excusedAttempts = 0,
}: Pick<RunnerItem, 'attempt' | 'excusedAttempts'>): number {
  return attempt - excusedAttempts;
}
