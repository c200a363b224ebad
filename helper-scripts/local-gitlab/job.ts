import type { JobPlan } from './ci-config.ts';

/** The states of GitLab's state machine that can occur here. */
export const jobStatuses = [
  'created',
  'pending',
  'running',
  'success',
  'failed',
  'canceling',
  'canceled',
  'skipped',
  'manual',
  'scheduled',
  'waiting_for_resource',
] as const;
export type JobStatus = (typeof jobStatuses)[number];

/** A job in its present state; a change makes a new one. */
export interface Job {
  readonly id: number;
  readonly projectId: number;
  readonly pipelineId: number;
  readonly plan: JobPlan;
  readonly status: JobStatus;
  /** `JOB-TOKEN`: valid while the job runs. */
  readonly token: string;
  readonly createdAt: Date;
  readonly queuedAt: Date | null;
  readonly startedAt: Date | null;
  readonly finishedAt: Date | null;
  readonly failureReason: string | null;
  readonly exitCode: number | null;
  /** Whether the log arrived as the runner says that it was; null when it did not say. */
  readonly logIsWhole: boolean | null;
  /** Cleared when the runner is deleted. */
  readonly runnerId: number | null;
  readonly managerId: number | null;
  readonly retriesCount: number;
  /** Another job took this one's place. */
  readonly retried: boolean;
}

/** What a change of state brings with it. */
export interface JobChangeDetails {
  readonly failureReason?: string;
  readonly exitCode?: number;
  readonly logIsWhole?: boolean;
  readonly runnerId?: number;
  readonly managerId?: number | null;
}

export class IllegalJobTransitionError extends Error {
  override readonly name = 'IllegalJobTransitionError';
}

const allowedFrom: Readonly<Record<JobStatus, readonly JobStatus[]>> = {
  // A skipped job comes back when the job before it is retried.
  created: ['skipped'],
  pending: ['created', 'manual', 'scheduled', 'waiting_for_resource'],
  manual: ['created'],
  scheduled: ['created'],
  waiting_for_resource: ['created', 'manual', 'scheduled'],
  skipped: ['created'],
  running: ['pending'],
  canceling: ['running'],
  success: ['running'],
  failed: ['created', 'pending', 'running'],
  canceled: ['created', 'pending', 'manual', 'scheduled', 'waiting_for_resource', 'running', 'canceling'],
};

const finishedStatuses: ReadonlySet<JobStatus> = new Set(['success', 'failed', 'canceled', 'skipped']);

export function isFinished(status: JobStatus): boolean {
  return finishedStatuses.has(status);
}

/** True while a runner works on the job and may update it. */
export function isWithRunner(status: JobStatus): boolean {
  return status === 'running' || status === 'canceling';
}

export function isCancelable(status: JobStatus): boolean {
  return allowedFrom.canceled.includes(status) && status !== 'canceling';
}

/** Waits for somebody who plays it, or for its time. */
export function isPlayable({ status }: Job): boolean {
  return status === 'manual' || status === 'scheduled';
}

/** Finished in a way that may be tried once more. */
export function isRetryable({ status, retried }: Job): boolean {
  return !retried && (status === 'success' || status === 'failed' || status === 'canceled');
}

/** @throws IllegalJobTransitionError when GitLab's state machine has no such step. */
export function changeStatus(job: Job, status: JobStatus, at: Date, details: JobChangeDetails = {}): Job {
  if (!allowedFrom[status].includes(job.status)) {
    throw new IllegalJobTransitionError(`job ${job.id} "${job.plan.name}" cannot go from ${job.status} to ${status}`);
  }
  return {
    ...job,
    ...details,
    status,
    queuedAt: status === 'pending' ? at : job.queuedAt,
    startedAt: status === 'running' ? at : job.startedAt,
    finishedAt: isFinished(status) && status !== 'skipped' ? at : null,
  };
}

/** Seconds that a job ran, or has been running; null before it began. */
export function durationSeconds(job: Job, now: Date): number | null {
  if (job.startedAt === null) return null;
  return secondsBetween(job.startedAt, job.finishedAt ?? now);
}

/** Seconds that a job waited, or has been waiting, for a runner; null before it was pending. */
export function queuedSeconds(job: Job, now: Date): number | null {
  if (job.queuedAt === null) return null;
  return secondsBetween(job.queuedAt, job.startedAt ?? job.finishedAt ?? now);
}

function secondsBetween(from: Date, to: Date): number {
  return (to.getTime() - from.getTime()) / 1000;
}
