import type { RuntimeProfile } from '../../autoscaler/environment/environment.ts';
import type { JobMapping } from '../../autoscaler/job-mappings/job-mapping.ts';
import { fewestPlaces } from '../../autoscaler/runner-store/wide-caps.ts';
import type { Exactness } from '../../infrastructure/kit/exactness.ts';

/** What one run simulates; everything else follows from it. Times are seconds from the start of the run. */
export type Schedule = {
  readonly seed: number;
  readonly settings: Settings;
  readonly jobs: readonly PlannedJob[];
  readonly faults: readonly Fault[];
};

export type Settings = {
  /** Without the reconciler, only such faults happen as the event-driven parts must bear alone. */
  readonly reconciler: boolean;
  readonly maxAttempts: number;
  readonly maxConcurrent: number | undefined;
  readonly profiles: Readonly<Record<string, RuntimeProfile>>;
  /**
   * How many functions the account may run at the same time, jobs and control plane together; as many as anybody wants
   * when absent.
   */
  readonly lambdaLimit?: number;
  readonly onDemand: 'never' | 'fallback' | 'always';
  readonly mappings: readonly JobMapping[];
  /** How long jobs wait for earlier ones that nobody starts; the usual time when absent. */
  readonly exact?: Exactness;
  /** Whether GitLab says `canceled` at once, or `canceling` until the runner has reacted. */
  readonly cancelsAtOnce: boolean;
  /** Whether GitLab writes a hook's body when it sends it, and not when it happened: the runner may be gone by then. */
  readonly writesLate: boolean;
  /**
   * Whether GitLab holds a runner's request until there is news, or answers at once and is asked again after three
   * seconds.
   */
  readonly longPolls?: boolean;
  /** A runner of somebody else, with a host of its own: it takes what is left to others, and whatever else fits. */
  readonly foreignRunner?: Omit<LongLivedSettings, 'profile' | 'hasOtherHost'>;
  /** A runner that a user made in GitLab, of which the hosts of a profile are managers. */
  readonly longLived?: LongLivedSettings;
  /** Profiles whose jobs are retried on on-demand capacity when a spot interruption ended them. */
  readonly retriedProfiles?: readonly string[];
};

export type LongLivedSettings = {
  readonly profile: string;
  readonly tags: readonly string[];
  readonly runUntagged: boolean;
  /** Null: those of all projects. */
  readonly projectIds: readonly number[] | null;
  readonly description: string;
  /** Whether a host that is none of ours works for the runner as well. */
  readonly hasOtherHost: boolean;
};

/** Whether jobs may have to wait for each other. */
export function isCapped({ maxConcurrent, lambdaLimit, profiles, mappings }: Settings): boolean {
  const caps = [maxConcurrent, ...[...Object.values(profiles), ...mappings].map((one) => one.maxConcurrent)];
  // No schedule has so many jobs that a wide one is reached.
  return lambdaLimit !== undefined || caps.some((cap) => cap !== undefined && cap < fewestPlaces);
}

/** The projects that GitLab has and that are ours. */
export const projectIds = [7, 8] as const;
/** One of somebody else, which is not among those that the configuration names. */
export const strangersProject = 9;
/** The projects that the configuration names. */
export const allowedProjects: readonly string[] = ['group/**'];

/** A project's path, as GitLab tells it. */
export function pathOf(projectId: number): string {
  return `${projectId === strangersProject ? 'strangers' : 'group'}/project-${projectId}`;
}

/** What a job says of itself that is the same for all. */
export const refAndStage = { ref: 'main', stage: 'test' } as const;

export type PlannedJob = {
  /** Its place in the generated schedule, which shrinking keeps. */
  readonly index: number;
  readonly projectId: number;
  readonly name: string;
  readonly tags: readonly string[];
  readonly createdAt: number;
  /** Null for a job that never becomes runnable. */
  readonly pendingAt: number | null;
  /** Of the jobs that are in one pipeline; one of its own when absent. */
  readonly pipeline?: number;
  /**
   * It becomes runnable when the jobs with these indexes are over instead, as the next stage of a pipeline does, or a
   * job by its `needs`.
   */
  readonly after?: readonly number[];
  /** Then a person plays it, or its delay is over, so many seconds later. */
  readonly held?: { readonly as: 'manual' | 'scheduled'; readonly seconds: number };
  /** Of those that have the same, one at a time is pending or runs. */
  readonly resourceGroup?: string;
  /** Its user retries it, once, so many seconds after it failed or was canceled. */
  readonly retriedAfterSeconds?: number;
  readonly durationSeconds: number;
  readonly result: 'success' | 'failed';
  readonly canceledAt: number | null;
  /** Whether the user retries it, once, when it did not succeed and all is over: a new job in GitLab. */
  readonly retried: boolean;
};

/** A fault; `nth` counts from 1. */
export type Fault = { readonly index: number } & FaultKind;

export type FaultKind =
  | { readonly kind: 'hook-lost'; readonly job: number; readonly status: HookStatus }
  | { readonly kind: 'hooks-lost'; readonly from: number; readonly seconds: number }
  | { readonly kind: 'hook-repeated'; readonly job: number; readonly status: HookStatus; readonly seconds: number }
  | { readonly kind: 'hook-delayed'; readonly job: number; readonly status: HookStatus; readonly seconds: number }
  | { readonly kind: 'hook-stale'; readonly job: number; readonly status: HookStatus; readonly how: Staleness }
  | {
      /**
       * So many seconds after it became pending, a job has one hook more, whose word is not true then, or not any more.
       */
      readonly kind: 'hook-untrue';
      readonly job: number;
      readonly status: HookStatus;
      readonly seconds: number;
    }
  | Lie
  | { readonly kind: 'event-lost' | 'event-repeated'; readonly nth: number }
  | { readonly kind: 'event-delayed'; readonly nth: number; readonly seconds: number }
  | { readonly kind: 'archive-replayed'; readonly at: number }
  | { readonly kind: 'workflow-died'; readonly nth: number; readonly task: number }
  | { readonly kind: 'workflow-repeated'; readonly nth: number }
  | {
      readonly kind: 'lambda-crashed';
      readonly lambda: LambdaName;
      readonly nth: number;
      readonly call: number;
      readonly moment: 'before' | 'after';
    }
  | { readonly kind: 'lambda-refused' | 'answer-lost'; readonly lambda: LambdaName; readonly nth: number }
  | { readonly kind: 'gitlab-answers-lost'; readonly from: number; readonly seconds: number }
  /**
   * The replica that answers stands still: what became pending meanwhile is not yet, and what was taken is still
   * listed.
   */
  | { readonly kind: 'gitlab-lagging'; readonly from: number; readonly seconds: number }
  /**
   * The nth candidate that GitLab would give to a runner is passed over: somebody holds its lock, or GitLab's checks
   * drop it.
   */
  | { readonly kind: 'candidate-passed-over'; readonly nth: number; readonly how: 'locked' | 'dropped' }
  | { readonly kind: 'no-capacity' | 'no-spot'; readonly from: number; readonly seconds: number }
  | { readonly kind: 'launch-refused' | 'describe-stale'; readonly from: number; readonly seconds: number }
  | { readonly kind: 'boot-slow'; readonly nth: number; readonly seconds: number }
  | { readonly kind: 'boot-dead' | 'claim-lost'; readonly nth: number }
  | { readonly kind: 'spot-reclaimed'; readonly nth: number; readonly seconds: number }
  | {
      /**
       * EC2 takes a spot instance back, two minutes after its warning; the host sees the warning and stops, or does
       * not.
       */
      readonly kind: 'spot-interrupted';
      readonly nth: number;
      readonly seconds: number;
      readonly isNoticed: boolean;
    }
  | { readonly kind: 'host-killed'; readonly nth: number; readonly seconds: number }
  | { readonly kind: 'message-repeated' | 'pass-lost' | 'pass-repeated' | 'describe-missed'; readonly nth: number }
  | { readonly kind: 'write-conflict' | 'write-throttled' | 'write-unanswered'; readonly nth: number }
  | { readonly kind: 'index-stale'; readonly from: number; readonly seconds: number }
  | { readonly kind: 'function-repeated' | 'function-failed'; readonly nth: number }
  | { readonly kind: 'function-killed'; readonly nth: number; readonly seconds: number }
  | { readonly kind: 'runner-removed' | 'runner-paused'; readonly nth: number; readonly seconds: number }
  | Trouble;

/**
 * A hook that GitLab signs, and whose template somebody wrote who may write none but that of a project of his own:
 * nothing in it need be true. It comes so many seconds after the start.
 */
export type Lie = {
  readonly kind: 'hook-lie';
  readonly at: number;
  /** The planned job that it names; null for the job that GitLab makes next. */
  readonly job: number | null;
  /** Null for the job's own. */
  readonly projectId: number | null;
  readonly status: string;
  readonly runner: 'none' | 'the one it has' | 'the one made for it' | 'another' | 'unknown';
  readonly jobName: string;
  readonly path: string;
  readonly ref: string;
  readonly since: 'now' | 'long ago' | 'far ahead';
};

/** What is in the way of runners, and no fault of theirs: it costs no job an attempt. */
export type Trouble =
  | { readonly kind: 'gitlab-down'; readonly from: number; readonly seconds: number }
  /** GitLab's limits: of calls within a minute, and of registered runners. */
  | {
      readonly kind: 'calls-limited' | 'runners-limited';
      readonly from: number;
      readonly seconds: number;
      readonly most: number;
    }
  /** GitLab refuses our access token; the right one is stored so many seconds later. */
  | { readonly kind: 'token-refused'; readonly from: number; readonly seconds: number }
  /** EC2 lets the account have so many instances. */
  | { readonly kind: 'instances-limited'; readonly from: number; readonly seconds: number; readonly most: number }
  /** Lambda starts none of our functions, or none of those that run jobs. */
  | { readonly kind: 'lambda-throttled' | 'functions-throttled'; readonly from: number; readonly seconds: number }
  /** DynamoDB throttles, and transactions meet each other. */
  | { readonly kind: 'tables-busy'; readonly from: number; readonly seconds: number }
  /** The mappings name a profile that was not deployed; a person mends that. */
  | { readonly kind: 'mapping-wrong'; readonly from: number; readonly seconds: number };

export const troubleKinds = [
  'gitlab-down',
  'calls-limited',
  'runners-limited',
  'token-refused',
  'instances-limited',
  'lambda-throttled',
  'functions-throttled',
  'tables-busy',
  'mapping-wrong',
] as const satisfies readonly Trouble['kind'][];

export function isTrouble<Some extends FaultKind>(fault: Some): fault is Some & Trouble {
  return (troubleKinds as readonly string[]).includes(fault.kind);
}

export type HookStatus = 'created' | 'pending' | 'running' | 'finished';
/**
 * What is wrong with a hook's body. `as-created`, `as-running`: it tells of another state, as one of a pipeline that
 * runs. `pipeline-runs`: it is true, and was written when the pipeline ran already.
 */
export type Staleness = 'as-created' | 'as-running' | 'pipeline-runs' | 'no-runner' | 'wrong-runner';

export const lambdaNames = [
  'chooseRunner',
  'admitJob',
  'registerRunner',
  'abandonRunner',
  'launchInstances',
  'bindRunner',
  'giveTurns',
  'findRunner',
  'drainRunner',
  'unregisterRunner',
  'terminateInstance',
  'releaseRunner',
  'findInterruptedRunner',
  'mendJob',
  'invokeIsolatedRunner',
  'reconcile',
] as const;
export type LambdaName = (typeof lambdaNames)[number];
