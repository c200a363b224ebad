import type { PlannedJob } from './schedule.ts';

/** A job as GitLab has it. Times are milliseconds since 1970. */
export type SimulatedJob = {
  readonly id: number;
  readonly plan: PlannedJob;
  status: string;
  runnerId: number | null;
  /** Of a long-lived runner, the manager that runs it. */
  systemId: string | null;
  pendingAt: number | null;
  /** When it was pending no more: it was handed out, or its end came first. */
  leftQueueAt: number | null;
  startedAt: number | null;
  finishedAt: number | null;
  failureReason: string | null;
  /** Its user cancels it: nobody is to bring it back. */
  isUnwanted: boolean;
  /**
   * The job that took its place, when somebody retried it, and the one whose place it took, when that was our control
   * plane.
   */
  retriedAs: SimulatedJob | null;
  readonly retryOf: SimulatedJob | null;
  /** Ends what runs the job, where somebody does. */
  onCancel: (() => void) | null;
};

export type SimulatedRunner = {
  readonly id: number;
  /** Null: those of all projects. */
  readonly projectIds: readonly number[] | null;
  readonly tags: readonly string[];
  readonly runUntagged: boolean;
  readonly token: string;
  readonly description: string;
  readonly note: string;
  readonly createdAt: number;
  /** System ids of the hosts of a runner that a user made; null for a runner that was made for one job. */
  readonly managers: Set<string> | null;
  paused: boolean;
};

export function newJob(id: number, plan: PlannedJob, retryOf: SimulatedJob | null): SimulatedJob {
  return {
    id,
    plan,
    status: 'created',
    runnerId: null,
    systemId: null,
    pendingAt: null,
    leftQueueAt: null,
    startedAt: null,
    finishedAt: null,
    failureReason: null,
    isUnwanted: false,
    retriedAs: null,
    retryOf,
    onCancel: null,
  };
}

export function isOver({ status }: { readonly status: string }): boolean {
  return ['success', 'failed', 'canceled', 'skipped'].includes(status);
}

/** Each planned job is in a pipeline of its own, with whatever is made to repeat it, unless its plan says in which. */
export function pipelineOf({ plan }: SimulatedJob): number {
  return plan.pipeline ?? 50 + plan.index;
}

/** Source: https://docs.gitlab.com/ci/runners/configure_runners/#control-jobs-that-a-runner-can-run */
export function canRun(
  runner: Pick<SimulatedRunner, 'projectIds' | 'tags' | 'runUntagged'>,
  { plan }: Pick<SimulatedJob, 'plan'>,
): boolean {
  if (runner.projectIds && !runner.projectIds.includes(plan.projectId)) return false;
  if (plan.tags.length === 0) return runner.runUntagged;
  return plan.tags.every((tag) => runner.tags.includes(tag));
}
