import type { Job, JobStatus } from './job.ts';
import type { JobSubject } from './job-entity.ts';

/** A job as the programs of the local run see it. */
export interface JobView {
  readonly id: number;
  readonly projectId: number;
  readonly pipelineId: number;
  readonly name: string;
  readonly stage: string;
  readonly tags: readonly string[];
  readonly status: JobStatus;
  readonly failureReason: string | null;
  readonly exitCode: number | null;
  /** Whether the log arrived as the runner says that it was; null when it did not say. */
  readonly logIsWhole: boolean | null;
  readonly runnerId: number | null;
  readonly runnerDescription: string | null;
  /** The host that runs it. */
  readonly systemId: string | null;
  readonly createdAt: Date;
  readonly queuedAt: Date | null;
  readonly startedAt: Date | null;
  readonly finishedAt: Date | null;
  readonly retriesCount: number;
  /** Another job took its place. */
  readonly retried: boolean;
}

export interface JobChangeView {
  readonly at: Date;
  readonly from: JobStatus | null;
  readonly to: JobStatus;
  readonly job: JobView;
}

export function viewJob({ job, runner, manager }: Pick<JobSubject, 'job' | 'runner' | 'manager'>): JobView {
  return {
    ...pick(job),
    name: job.plan.name,
    stage: job.plan.stage,
    tags: job.plan.tags,
    runnerDescription: runner?.description ?? null,
    systemId: manager?.systemId ?? null,
  };
}

/** Everything but the plan and the token. */
function pick({ plan: _plan, token: _token, managerId: _managerId, ...job }: Job) {
  return job;
}
