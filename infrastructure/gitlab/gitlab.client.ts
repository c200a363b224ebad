import { Branches, Groups, type JobSchema, Jobs, Projects, Runners, Tags, Users } from '@gitbeaker/rest';
import { type BackoffPolicy, type BackoffPorts, systemBackoffPorts } from '../kit/lambda/backoff.ts';
import { GitLabNotFoundError, GitLabRefusedError } from './gitlab-errors.ts';
import type {
  GitLabJob,
  ListedJob,
  ListedProject,
  ListedRunner,
  NamedJob,
  ProjectsPage,
  RunnerJob,
} from './gitlab-listings.ts';
import { createGitLabRequester, gitlabBackoff } from './gitlab-requester.client.ts';
import { projectPathOfJobPage } from './project-path.ts';

export type { GitLabJob } from './gitlab-listings.ts';

/** How a job ended, or that it has not; times are ISO 8601. */
export type GitLabJobEnd = {
  readonly status: string;
  readonly jobName: string;
  readonly pipelineId: number | null;
  /** The runner that had it; null also when that was removed since. */
  readonly runnerId: number | null;
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
  /** GitLab gives it jobs of protected branches and tags only; of every ref when absent. */
  readonly accessLevel?: 'ref_protected' | undefined;
};

export type CreatedRunner = { readonly runnerId: number; readonly token: string };

/** The part of GitLab's API that we use. Every method may throw the classes of `gitlab-errors.ts`. */
export type GitLab = {
  /** One job; null when it does not exist (any more). */
  readJob(projectId: number, jobId: number): Promise<NamedJob | null>;
  /**
   * Whether every branch and tag of this name is protected; false when there is none (any more), and for merge
   * requests' refs. Neither a job's hook nor its page tells. Sources: https://docs.gitlab.com/api/branches/,
   * https://docs.gitlab.com/api/tags/
   */
  isProtectedRef(projectId: number, ref: string): Promise<boolean>;
  /** How a job ended; null when it does not exist (any more). */
  readJobEnd(projectId: number, jobId: number): Promise<GitLabJobEnd | null>;
  /**
   * Ends a job whose runner will not: without waiting for that runner, where the token's role suffices. Returns the
   * job's status then.
   */
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
  /** Lets GitLab give a paused runner jobs again; false when the runner is gone. */
  unpauseRunner(runnerId: number): Promise<boolean>;
  /** Jobs that a runner has or had, newest first, at most twenty; none when it is gone. */
  jobsOf(runnerId: number): Promise<readonly RunnerJob[]>;
  /** Jobs of a project that wait for a runner, newest first, at most a thousand; none when the project is gone. */
  pendingJobs(projectId: number): Promise<readonly ListedJob[]>;
  /** The same, of a project with as many as there may be. */
  allPendingJobs(projectId: number): Promise<readonly ListedJob[]>;
  /** Jobs of a project that run or are over, newest first, a hundred on a page; none when the project is gone. */
  begunJobs(projectId: number, mostPages: number): Promise<readonly GitLabJob[]>;
  /**
   * Project runners that this token may manage and whose description begins so. Whether one is ours, its note tells.
   */
  ownRunners(descriptionStart: string): Promise<readonly ListedRunner[]>;
  /** A runner's maintenance note; null when the runner is gone. */
  readRunnerNote(runnerId: number): Promise<string | null>;
  /** The project with this path (`group/project`); null when there is none. */
  findProject(path: string): Promise<ListedProject | null>;
  /** Projects of a group and of the groups below it, page by page from 1 on; none when the group is gone. */
  projectsOfGroup(path: string, page: number): Promise<ProjectsPage>;
};

export type GitLabOptions = {
  readonly url: string;
  readonly token: () => Promise<string>;
  /** The token as it is stored now, for when GitLab refused the one from `token`. */
  readonly rereadToken?: (() => Promise<string>) | undefined;
  readonly backoff?: BackoffPolicy;
  readonly backoffPorts?: BackoffPorts;
};

const projectsPerPage = 100;

/** GitLab's REST API through gitbeaker, with our time-out and backoff. */
export function createGitLab({
  url,
  token,
  rereadToken,
  backoff = gitlabBackoff,
  backoffPorts = systemBackoffPorts,
}: GitLabOptions): GitLab {
  const options = { host: url, token, requesterFn: createGitLabRequester(backoff, backoffPorts, rereadToken) };
  const jobs = new Jobs(options);
  const runners = new Runners(options);
  const users = new Users(options);
  const projects = new Projects(options);
  const groups = new Groups(options);
  const setPaused = (runnerId: number, paused: boolean) =>
    orWhenGone(
      runners.edit(runnerId, { paused }).then(() => true),
      false,
    );
  const branches = new Branches(options);
  const gitTags = new Tags(options);
  async function listPending(projectId: number, pages: { readonly maxPages?: number }): Promise<readonly ListedJob[]> {
    // Pages by id, since GitLab counts a project's jobs slowly. Source:
    // https://docs.gitlab.com/api/rest/#keyset-based-pagination
    const paging = { pagination: 'keyset', orderBy: 'id', sort: 'desc', perPage: 100, ...pages } as const;
    const filter = { scope: ['pending'], ...paging } as unknown as Parameters<typeof jobs.all>[1];
    const pending = await orWhenGone(jobs.all(projectId, filter), []);
    return (pending as JobSchema[]).map((job) => ({
      ...jobOf(job),
      ...detailsOf(job),
      createdAt: job.created_at,
    }));
  }
  return {
    async readJob(projectId, jobId) {
      const job = await orWhenGone(jobs.show(projectId, jobId), null);
      if (!job) return null;
      const projectPath = projectPathOfJobPage(job.web_url, url);
      return { ...jobOf(job), ...detailsOf(job), projectPath };
    },
    async isProtectedRef(projectId, ref) {
      const found = await Promise.all([
        orWhenGone(branches.show(projectId, ref), null),
        orWhenGone(gitTags.show(projectId, ref), null),
      ]);
      const refs = found.filter((one) => one !== null);
      return refs.length > 0 && refs.every((one) => one.protected === true);
    },
    async readJobEnd(projectId, jobId) {
      const job = await orWhenGone(jobs.show(projectId, jobId), null);
      return (
        job && {
          status: job.status,
          jobName: job.name,
          pipelineId: job.pipeline?.id ?? null,
          runnerId: job.runner?.id ?? null,
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
    async createRunner({ projectId, description, maintenanceNote, tags, maximumTimeoutSeconds, accessLevel }) {
      const created = await users.createCIRunner('project_type', {
        projectId,
        description,
        maintenanceNote,
        tagList: [...tags],
        runUntagged: tags.length === 0,
        locked: true,
        maximumTimeout: maximumTimeoutSeconds,
        ...(accessLevel === undefined ? {} : { accessLevel }),
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
    pauseRunner: (runnerId) => setPaused(runnerId, true),
    unpauseRunner: (runnerId) => setPaused(runnerId, false),
    async jobsOf(runnerId) {
      // Without `orderBy` GitLab ignores `sort`.
      const newest = { orderBy: 'id', sort: 'desc', perPage: 20, maxPages: 1 } as const;
      const found = await orWhenGone(runners.allJobs(runnerId, newest), []);
      return found.map((job) => ({ projectId: projectIdOf(job), jobId: job.id, status: job.status }));
    },
    pendingJobs: (projectId) => listPending(projectId, { maxPages: 10 }),
    // The one that GitLab gives away first is the last one of the last page.
    allPendingJobs: (projectId) => listPending(projectId, {}),
    async begunJobs(projectId, mostPages) {
      const paging = { pagination: 'keyset', orderBy: 'id', sort: 'desc', perPage: 100, maxPages: mostPages } as const;
      const scope = ['running', 'success', 'failed', 'canceled'];
      const filter = { scope, ...paging } as unknown as Parameters<typeof jobs.all>[1];
      return ((await orWhenGone(jobs.all(projectId, filter), [])) as JobSchema[]).map(jobOf);
    },
    async ownRunners(descriptionStart) {
      const all = await runners.all({ owned: true, type: 'project_type', perPage: 100, maxPages: 50 } as object);
      return (all as unknown as RunnerEntry[]).flatMap(({ id, description, created_at, job_execution_status }) =>
        description?.startsWith(descriptionStart)
          ? [{ runnerId: id, description, createdAt: created_at ?? null, busy: job_execution_status === 'active' }]
          : [],
      );
    },
    async readRunnerNote(runnerId) {
      const runner = await orWhenGone(runners.show(runnerId), null);
      return runner && ((runner as { maintenance_note?: string | null }).maintenance_note ?? '');
    },
    async findProject(path) {
      const project = await orWhenGone(projects.show(path), null);
      return project && { projectId: project.id, path: project.path_with_namespace };
    },
    async projectsOfGroup(path, page) {
      // By id, so that no project slips from one page to another while they are read.
      const order = { orderBy: 'id', sort: 'asc', page, perPage: projectsPerPage, maxPages: 1 } as const;
      const filter = { includeSubgroups: true, archived: false, simple: true, ...order };
      const found = await orWhenGone(groups.allProjects(path, filter), []);
      const projects = found.map((project) => ({ projectId: project.id, path: project.path_with_namespace }));
      return { projects, isLast: projects.length < projectsPerPage };
    },
  };
}

/** GitLab names the job's host, which the type does not say; null when that was removed from the runner. */
function systemIdOf(job: unknown): string | null {
  return (job as { runner_manager?: { system_id?: string } | null }).runner_manager?.system_id ?? null;
}

/** An entry of `GET /runners`, of which gitbeaker's type knows less. */
type RunnerEntry = {
  readonly id: number;
  readonly description: string | null;
  readonly created_at?: string;
  readonly job_execution_status?: string;
};

function jobOf(job: JobSchema): GitLabJob {
  const { id, status, tag_list: tags = [], runner } = job;
  return { id, status, tags, runnerId: runner?.id ?? null, systemId: systemIdOf(job) };
}

function detailsOf({ name, stage, ref, pipeline }: JobSchema) {
  return { name, stage, ref, pipelineId: pipeline?.id ?? null };
}

function textOrNull(value: unknown): string | null {
  return typeof value === 'string' && value !== '' ? value : null;
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
