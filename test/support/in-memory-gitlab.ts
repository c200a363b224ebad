import type { GitLab, GitLabJob, NewRunner } from '../../infrastructure/gitlab/gitlab.client.ts';
import { GitLabNotFoundError, GitLabRefusedError } from '../../infrastructure/gitlab/gitlab-errors.ts';
import type { NamedJob } from '../../infrastructure/gitlab/gitlab-listings.ts';

/** Stands in every runner token of the tests, so that a token that went astray is found. */
export const tokenWord = 'not-a-real-secret';

/** A job in GitLab. */
export type KnownJob = GitLabJob &
  Partial<NamedJob> & {
    readonly projectId: number;
    readonly failureReason?: string | null;
    readonly finishedAt?: string | null;
    /** The job that took its place. */
    readonly retriedAs?: number;
  };

/** A runner in GitLab. */
export type KnownRunner = NewRunner & { readonly runnerId: number; readonly token: string; readonly paused: boolean };

export type InMemoryGitLab = GitLab & {
  readonly jobs: Map<number, KnownJob>;
  readonly runners: Map<number, KnownRunner>;
  /** Names of protected branches and tags. */
  readonly protectedRefs: Set<string>;
  /** Ids of projects by path. */
  readonly projects: Map<string, number>;
  /** Adds a job, or changes what is known of it. */
  setJob(job: Partial<KnownJob> & { readonly id: number }): void;
  /**
   * The job that GitLab gives a runner that asks, which runs from then on: the pending one of the lowest id that fits.
   * Null when there is none.
   */
  giveJobTo(runnerId: number): number | null;
};

/** GitLab in memory: the calls that we make, and what it does with runners that ask for jobs. */
export function inMemoryGitLab(): InMemoryGitLab {
  const jobs = new Map<number, KnownJob>();
  const runners = new Map<number, KnownRunner>();
  const projects = new Map<string, number>([['group/project', 7]]);
  const protectedRefs = new Set<string>();
  let lastRunnerId = 100;

  const setJob: InMemoryGitLab['setJob'] = (job) => {
    const known = jobs.get(job.id) ?? { projectId: 7, status: 'pending', tags: [], runnerId: null, systemId: null };
    jobs.set(job.id, { ...known, ...job });
  };
  async function pendingJobs(projectId: number) {
    const pending = [...jobs.values()].filter((job) => job.projectId === projectId && job.status === 'pending');
    return pending.reverse().map((job) => ({ ...job, ...listed }));
  }
  return {
    jobs,
    runners,
    projects,
    protectedRefs,
    isProtectedRef: async (_projectId, ref) => protectedRefs.has(ref),
    setJob,
    giveJobTo(runnerId) {
      const runner = runners.get(runnerId);
      if (!runner || runner.paused) return null;
      const inOrder = [...jobs.values()].sort((one, other) => one.id - other.id);
      const job = inOrder.find((one) => one.status === 'pending' && fits(runner, one));
      if (!job) return null;
      setJob({ id: job.id, status: 'running', runnerId });
      return job.id;
    },
    async readJob(projectId, jobId) {
      const job = jobs.get(jobId);
      return job?.projectId === projectId ? { ...listed, projectPath: 'group/project', ...job } : null;
    },
    async createRunner(runner) {
      const { maximumTimeoutSeconds, tags, maintenanceNote } = runner;
      if (maximumTimeoutSeconds < 600) throw new GitLabRefusedError('maximum_timeout needs to be at least 600');
      if (tags.length > 50) throw new GitLabRefusedError('Too many tags specified');
      if (maintenanceNote.length > 1_024) throw new GitLabRefusedError('maintenance_note is too long');
      lastRunnerId += 1;
      const token = `glrt-fake-${tokenWord}-${lastRunnerId}`;
      runners.set(lastRunnerId, { ...runner, runnerId: lastRunnerId, token, paused: false });
      return { runnerId: lastRunnerId, token };
    },
    async readJobEnd(projectId, jobId) {
      const job = jobs.get(jobId);
      if (job?.projectId !== projectId) return null;
      const { status, runnerId, failureReason = null, finishedAt = null } = job;
      return { status, runnerId, jobName: 'build', pipelineId: 50, failureReason, finishedAt };
    },
    async cancelJob(projectId, jobId) {
      const job = jobs.get(jobId);
      if (job?.projectId !== projectId) throw new GitLabNotFoundError(`no job ${jobId} in project ${projectId}`);
      // A job whose runner exists waits for it; ours asks GitLab to wait no longer.
      if (!['running', 'canceling', 'pending'].includes(job.status)) return job.status;
      setJob({ id: jobId, status: 'canceled' });
      return 'canceled';
    },
    async retryJob(projectId, jobId) {
      const job = jobs.get(jobId);
      if (!job || job.retriedAs !== undefined || !['success', 'failed', 'canceled'].includes(job.status)) return null;
      const retriedAs = Math.max(...jobs.keys()) + 1;
      setJob({ id: jobId, retriedAs });
      setJob({ id: retriedAs, projectId, tags: job.tags, status: 'pending' });
      return retriedAs;
    },
    removeRunner: async (runnerId) => runners.delete(runnerId),
    findRunners: async (descriptionStart) =>
      [...runners.values()].filter((one) => one.description.startsWith(descriptionStart)).map((one) => one.runnerId),
    maintenanceNoteOf: async (runnerId) => runners.get(runnerId)?.maintenanceNote ?? null,
    async pauseRunner(runnerId) {
      const runner = runners.get(runnerId);
      if (runner) runners.set(runnerId, { ...runner, paused: true });
      return runner !== undefined;
    },
    async unpauseRunner(runnerId) {
      const runner = runners.get(runnerId);
      if (runner) runners.set(runnerId, { ...runner, paused: false });
      return runner !== undefined;
    },
    async jobsOf(runnerId) {
      if (!runners.has(runnerId)) return [];
      const its = [...jobs.values()].filter((job) => job.runnerId === runnerId);
      return its.map(({ projectId, id, status }) => ({ projectId, jobId: id, status })).reverse();
    },
    pendingJobs,
    allPendingJobs: pendingJobs,
    async begunJobs(projectId, mostPages) {
      const begun = [...jobs.values()].filter(
        ({ projectId: id, status }) =>
          id === projectId && ['running', 'success', 'failed', 'canceled'].includes(status),
      );
      return begun.reverse().slice(0, mostPages * 100);
    },
    async ownRunners(descriptionStart) {
      const ours = [...runners.values()].filter(({ description }) => description.startsWith(descriptionStart));
      const isBusy = (id: number) => [...jobs.values()].some((job) => job.status === 'running' && job.runnerId === id);
      return ours.map(({ runnerId, description }) => ({
        runnerId,
        description,
        createdAt: listed.createdAt,
        busy: isBusy(runnerId),
      }));
    },
    readRunnerNote: async (runnerId) => runners.get(runnerId)?.maintenanceNote ?? null,
    async findProject(path) {
      const projectId = projects.get(path);
      return projectId === undefined ? null : { projectId, path };
    },
    async projectsOfGroup(group, page) {
      const inside = [...projects].filter(([path]) => path.startsWith(`${group}/`));
      const its = inside.slice((page - 1) * 100, page * 100);
      return { projects: its.map(([path, projectId]) => ({ projectId, path })), isLast: its.length < 100 };
    },
  };
}

/** What lists say beside what decides anything. */
const listed = {
  name: 'build',
  stage: 'test',
  ref: 'main',
  pipelineId: 50,
  createdAt: '2030-01-01T00:00:00.000Z',
} as const;

/** Source: https://docs.gitlab.com/ci/runners/configure_runners/#control-jobs-that-a-runner-can-run */
function fits(runner: KnownRunner, job: KnownJob): boolean {
  if (runner.projectId !== job.projectId) return false;
  if (job.tags.length === 0) return runner.tags.length === 0;
  return job.tags.every((tag) => runner.tags.includes(tag));
}
