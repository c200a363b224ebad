import { compositeStatus } from './composite-status.ts';
import { type Instance, user } from './instance.ts';
import { durationSeconds, type Job, queuedSeconds } from './job.ts';
import type { Pipeline, Project } from './project.ts';
import { renderProject, renderUser } from './project-entity.ts';
import type { Entity, Rendering } from './rendering.ts';
import type { Runner, RunnerManager } from './runner.ts';
import { renderManager, renderRunner } from './runner-entity.ts';

/** Jobs and pipelines as the REST API shows them: https://docs.gitlab.com/api/jobs/. */

export interface JobSubject {
  readonly job: Job;
  readonly project: Project;
  readonly pipeline: Pipeline;
  readonly siblings: readonly Job[];
  readonly runner: Runner | null;
  readonly manager: RunnerManager | null;
}

export function renderJob(subject: JobSubject, rendering: Rendering): Entity {
  const { job, runner, manager } = subject;
  return {
    ...renderJobBasics(subject, rendering),
    artifacts: [],
    runner: runner === null ? null : renderRunner(runner, rendering),
    runner_manager: manager === null ? null : renderManager(manager, rendering),
    artifacts_expire_at: null,
    archived: false,
    tag_list: job.plan.tags,
  };
}

function renderJobBasics({ job, project, pipeline, siblings }: JobSubject, { instance, now }: Rendering): Entity {
  return {
    id: job.id,
    status: job.status,
    stage: job.plan.stage,
    name: job.plan.name,
    ref: pipeline.ref,
    tag: pipeline.refType === 'tag',
    coverage: null,
    allow_failure: job.plan.allowFailure,
    created_at: job.createdAt,
    started_at: job.startedAt,
    finished_at: job.finishedAt,
    erased_at: null,
    duration: durationSeconds(job, now),
    queued_duration: queuedSeconds(job, now),
    user: renderUser(instance),
    commit: renderCommit(pipeline),
    pipeline: renderPipeline(pipeline, project, siblings, instance),
    ...(job.status === 'failed' ? { failure_reason: job.failureReason ?? 'unknown_failure' } : {}),
    web_url: `${instance.url}/${project.path}/-/jobs/${job.id}`,
    project: { ci_job_token_scope_enabled: false },
    source: 'api',
  };
}

/** As `GET /runners/:id/jobs` lists a job: with its project in full, without the runner. */
export function renderJobWithProject(subject: JobSubject, rendering: Rendering): Entity {
  return { ...renderJobBasics(subject, rendering), project: renderProject(subject.project, rendering.instance) };
}

export function renderPipeline(pipeline: Pipeline, project: Project, jobs: readonly Job[], instance: Instance): Entity {
  return {
    id: pipeline.id,
    iid: pipeline.iid,
    project_id: project.id,
    sha: pipeline.sha,
    ref: pipeline.ref,
    status: compositeStatus(jobs) ?? 'created',
    source: 'api',
    created_at: pipeline.createdAt,
    updated_at: pipeline.createdAt,
    web_url: `${instance.url}/${project.path}/-/pipelines/${pipeline.id}`,
  };
}

function renderCommit(pipeline: Pipeline): Entity {
  return {
    id: pipeline.sha,
    short_id: pipeline.sha.slice(0, 8),
    title: 'A change that was never made',
    message: 'A change that was never made\n',
    author_name: user.name,
    author_email: user.email,
    created_at: pipeline.createdAt,
  };
}
