import { Jobs, Runners, Users } from '@gitbeaker/rest';
import { type BackoffPolicy, type BackoffPorts, systemBackoffPorts } from './backoff.ts';
import { GitLabNotFoundError, GitLabRefusedError } from './gitlab-errors.ts';
import { createGitLabRequester, gitlabBackoff } from './gitlab-requester.client.ts';

/** What we look at of a job. Source: https://docs.gitlab.com/api/jobs/ */
export type GitLabJob = {
  readonly id: number;
  readonly status: string;
  readonly tags: readonly string[];
  readonly runnerId: number | null;
};

/** How a job ended, or that it has not; times are ISO 8601. */
export type GitLabJobEnd = {
  readonly status: string;
  readonly jobName: string;
  readonly pipelineId: number | null;
  readonly failureReason: string | null;
  readonly finishedAt: string | null;
};

export type NewRunner = {
  readonly projectId: number;
  readonly description: string;
  /** Shown in GitLab beside the runner, and how we recognise our own (at most 1,024 characters). */
  readonly maintenanceNote: string;
  readonly tags: readonly string[];
  /** At least 600 s; GitLab refuses less. */
  readonly maximumTimeoutSeconds: number;
};

export type CreatedRunner = { readonly runnerId: number; readonly token: string };

/** The part of GitLab's API that we use. Every method may throw the classes of `gitlab-errors.ts`. */
export type GitLab = {
  /** One job; null when it does not exist (any more). */
  readJob(projectId: number, jobId: number): Promise<GitLabJob | null>;
  /** How a job ended; null when it does not exist (any more). */
  readJobEnd(projectId: number, jobId: number): Promise<GitLabJobEnd | null>;
  /** Ends a job whose runner will not: without waiting for that runner, where the token's role suffices. Returns the job's status then. */
  cancelJob(projectId: number, jobId: number): Promise<string>;
  /** Retries a job as a new one and returns its id; null when it cannot be, above all because it was retried before. */
  retryJob(projectId: number, jobId: number): Promise<number | null>;
  /** Creates a project runner with exactly these tags; it runs untagged jobs only when there are none. */
  createRunner(runner: NewRunner): Promise<CreatedRunner>;
  /** Removes a runner; false when it was already gone. */
  removeRunner(runnerId: number): Promise<boolean>;
  /** Ids of the runners whose description begins so, of all that the access token may see. */
  findRunners(descriptionStart: string): Promise<readonly number[]>;
  /** A runner's maintenance note; null when there is none, or no runner (any more). */
  maintenanceNoteOf(runnerId: number): Promise<string | null>;
  /** Makes GitLab give no further job to a runner; false when the runner is gone. */
  pauseRunner(runnerId: number): Promise<boolean>;
  /** Ids of the jobs that a runner runs now. */
  runningJobsOf(runnerId: number): Promise<readonly { readonly projectId: number; readonly jobId: number }[]>;
};

export type GitLabOptions = {
  readonly url: string;
  readonly token: () => Promise<string>;
  readonly backoff?: BackoffPolicy;
  readonly backoffPorts?: BackoffPorts;
};

/** GitLab's REST API through gitbeaker, with our time-out and backoff. */
export function createGitLab({
  url,
  token,
  backoff = gitlabBackoff,
  backoffPorts = systemBackoffPorts,
}: GitLabOptions): GitLab {
  const options = { host: url, token, requesterFn: createGitLabRequester(backoff, backoffPorts) };
  const jobs = new Jobs(options);
  const runners = new Runners(options);
  const users = new Users(options);
  return {
    async readJob(projectId, jobId) {
      const job = await orWhenGone(jobs.show(projectId, jobId), null);
      return job && { id: job.id, status: job.status, tags: job.tag_list ?? [], runnerId: job.runner?.id ?? null };
    },
    async readJobEnd(projectId, jobId) {
      const job = await orWhenGone(jobs.show(projectId, jobId), null);
      return (
        job && {
          status: job.status,
          jobName: job.name,
          pipelineId: job.pipeline?.id ?? null,
          failureReason: textOrNull(job.failure_reason),
          finishedAt: textOrNull(job.finished_at),
        }
      );
    },
    async cancelJob(projectId, jobId) {
      const { status } = await jobs.cancel(projectId, jobId);
      if (status !== 'canceling') return status;
      const forced: Record<string, unknown> = { force: true };
      return (await jobs.cancel(projectId, jobId, forced)).status;
    },
    async retryJob(projectId, jobId) {
      try {
        return (await jobs.retry(projectId, jobId)).id;
      } catch (error) {
        if (error instanceof GitLabRefusedError && error.message.includes('not retryable')) return null;
        throw error;
      }
    },
    async createRunner({ projectId, description, maintenanceNote, tags, maximumTimeoutSeconds }) {
      const created = await users.createCIRunner('project_type', {
        projectId,
        description,
        maintenanceNote,
        tagList: [...tags],
        runUntagged: tags.length === 0,
        locked: true,
        maximumTimeout: maximumTimeoutSeconds,
      });
      return { runnerId: created.id, token: created.token };
    },
    removeRunner: (runnerId) =>
      orWhenGone(
        runners.remove({ runnerId }).then(() => true),
        false,
      ),
    async findRunners(descriptionStart) {
      // Without `owned` gitbeaker asks for all runners of the instance, which administrators alone may see.
      const found = await runners.all({ owned: true, type: 'project_type', perPage: 100 });
      return found.filter(({ description }) => description?.startsWith(descriptionStart)).map(({ id }) => id);
    },
    async maintenanceNoteOf(runnerId) {
      const runner = await orWhenGone(runners.show(runnerId), null);
      return textOrNull(runner?.maintenance_note);
    },
    pauseRunner: (runnerId) =>
      orWhenGone(
        runners.edit(runnerId, { paused: true }).then(() => true),
        false,
      ),
    async runningJobsOf(runnerId) {
      const running = await orWhenGone(runners.allJobs(runnerId, { status: 'running' }), []);
      return running.map((job) => ({ projectId: projectIdOf(job), jobId: job.id }));
    },
  };
}

function textOrNull(value: unknown): string | null {
  return typeof value === 'string' && value !== '' ? value : null;
}

/** `GET /runners/:id/jobs` gives the project as an object; its type does not say so. */
function projectIdOf(job: unknown): number {
  return (job as { project?: { id?: number } }).project?.id ?? 0;
}

async function orWhenGone<T, G>(answer: Promise<T>, whenGone: G): Promise<T | G> {
  try {
    return await answer;
  } catch (error) {
    if (error instanceof GitLabNotFoundError) return whenGone;
    throw error;
  }
}
