import type { AccessToken } from './access-token.ts';
import type { Faults } from './faults.ts';
import { type GitLabPorts, type GitLabStore, NotFoundError } from './gitlab-store.ts';
import type { Instance } from './instance.ts';
import type { Job } from './job.ts';
import type { JobSubject } from './job-entity.ts';
import type { JobQueue } from './job-queue.ts';
import type { Jobs } from './jobs.ts';
import type { Project } from './project.ts';
import type { Projects } from './projects.ts';
import type { Rendering } from './rendering.ts';
import type { Runners } from './runners.ts';
import type { WebhookSender } from './webhook-sender.client.ts';

/** What the API's routes work with. */
export interface GitLabParts {
  readonly store: GitLabStore;
  readonly projects: Projects;
  readonly runners: Runners;
  readonly jobs: Jobs;
  readonly queue: JobQueue;
  readonly faults: Faults;
  readonly sender: WebhookSender;
  readonly ports: GitLabPorts;
  readonly adminToken: string;
  /** All that the API takes, the administrator's among them. */
  readonly accessTokens: AccessToken[];
  /** 0: a request for a job is answered at once. */
  readonly longPollSeconds: number;
  /** How often runners are asked to send their logs. */
  readonly traceUpdateIntervalSeconds: number;
  /** Aborted when the server stops. */
  readonly stopped: AbortSignal;
  instance(): Instance;
}

export function jobSubject({ store }: GitLabParts, job: Job): JobSubject {
  return {
    job,
    project: store.project(job.projectId),
    pipeline: store.pipeline(job.pipelineId),
    siblings: store.presentJobs(job.pipelineId),
    runner: job.runnerId === null ? null : (store.runners.get(job.runnerId) ?? null),
    manager: job.managerId === null ? null : (store.managers.get(job.managerId) ?? null),
  };
}

export function rendering({ instance, ports, runners }: GitLabParts): Rendering {
  return {
    instance: instance(),
    now: ports.now(),
    runnerIsBusy: (id) => runners.isBusy(id),
    managerIsBusy: (id) => runners.isManagerBusy(id),
  };
}

/** @throws NotFoundError when the job is of another project */
export function jobOfProject({ store }: GitLabParts, project: Project, jobId: number): Job {
  const job = store.job(jobId);
  if (job.projectId !== project.id) throw new NotFoundError('Job', jobId);
  return job;
}
