import { Jobs, Runners, Users } from '@gitbeaker/rest';
import { type BackoffPolicy, type BackoffPorts, systemBackoffPorts } from './backoff.ts';
import { GitLabNotFoundError } from './gitlab-errors.ts';
import { createGitLabRequester, gitlabBackoff } from './gitlab-requester.client.ts';

/** What we look at of a job. Source: https://docs.gitlab.com/api/jobs/ */
export type GitLabJob = {
  readonly id: number;
  readonly status: string;
  readonly tags: readonly string[];
  readonly runnerId: number | null;
  /** Which host of the runner has the job: its system id. */
  readonly systemId: string | null;
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
  /** Creates a project runner with exactly these tags; it runs untagged jobs only when there are none. */
  createRunner(runner: NewRunner): Promise<CreatedRunner>;
  /** Removes a runner; false when it was already gone. */
  removeRunner(runnerId: number): Promise<boolean>;
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
      if (!job) return null;
      const { id, status, tag_list: tags = [], runner } = job;
      return { id, status, tags, runnerId: runner?.id ?? null, systemId: systemIdOf(job) };
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

/** GitLab names the job's host, which the type does not say; null when that was removed from the runner. */
function systemIdOf(job: unknown): string | null {
  return (job as { runner_manager?: { system_id?: string } | null }).runner_manager?.system_id ?? null;
}

/** `GET /runners/:id/jobs` gives the project as an object; its type does not say so. */
export function projectIdOf(job: unknown): number {
  return (job as { project?: { id?: number } }).project?.id ?? 0;
}

/** The answer, or something else when GitLab says that what was asked for does not exist. */
export async function orWhenGone<T, G>(answer: Promise<T>, whenGone: G): Promise<T | G> {
  try {
    return await answer;
  } catch (error) {
    if (error instanceof GitLabNotFoundError) return whenGone;
    throw error;
  }
}
