import type { JobReference } from '../kit/job-key.ts';

/** What we look at of a job. Source: https://docs.gitlab.com/api/jobs/ */
export type GitLabJob = {
  readonly id: number;
  readonly status: string;
  readonly tags: readonly string[];
  readonly runnerId: number | null;
  /** Which host of the runner has the job: its system id. */
  readonly systemId: string | null;
};

/** A job as lists show it. Times are ISO 8601. */
export type ListedJob = GitLabJob & {
  readonly name: string;
  readonly stage: string;
  readonly ref: string;
  readonly pipelineId: number | null;
  readonly createdAt: string;
};

/** A job with all that decides where it runs, as GitLab itself tells it. */
export type NamedJob = GitLabJob &
  Pick<ListedJob, 'name' | 'stage' | 'ref' | 'pipelineId'> & {
    /** `group/project`; null when GitLab's answer does not say it. */
    readonly projectPath: string | null;
  };

/** GitLab's words for a job that is over. Source: https://docs.gitlab.com/api/jobs/ */
const overStatuses = ['success', 'failed', 'canceled', 'skipped'];

/** Whether a status of GitLab's says that a job is over. */
export function isOver(status: string): boolean {
  return overStatuses.includes(status);
}

/** A job that a runner has or had. */
export type RunnerJob = JobReference & { readonly status: string };

/** The last of a runner's jobs, newest first, that it began and that is over. */
export function lastOf(jobs: readonly RunnerJob[]): RunnerJob | undefined {
  return jobs.find(({ status }) => ['success', 'failed', 'canceled'].includes(status));
}

/**
 * A runner works on a job also while GitLab waits for it to cancel: it hears of that with its next update, up to 34 s
 * later when the job writes nothing, and then runs its after_script. Nobody else would end such a job for half an hour.
 */
const withRunner: readonly string[] = ['running', 'canceling'];

/** The one of a runner's jobs that it works on now. */
export function runningOf(jobs: readonly RunnerJob[]): RunnerJob | undefined {
  return jobs.find(({ status }) => withRunner.includes(status));
}

/** A runner as lists show it: without its maintenance note. */
export type ListedRunner = {
  readonly runnerId: number;
  readonly description: string;
  /** ISO 8601; null when GitLab is too old to tell. */
  readonly createdAt: string | null;
  /** A job runs on it. */
  readonly busy: boolean;
};

/** Up to a hundred projects of a list. */
export type ProjectsPage = { readonly projects: readonly ListedProject[]; readonly isLast: boolean };

export type ListedProject = { readonly projectId: number; readonly path: string };
