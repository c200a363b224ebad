import { compositeStatus } from './composite-status.ts';
import { type Instance, user } from './instance.ts';
import { durationSeconds, isFinished, type Job, queuedSeconds } from './job.ts';
import { fullName, humanize, type Pipeline, type Project, projectName, projectNamespace } from './project.ts';
import type { Runner } from './runner.ts';

export interface HookSubject {
  readonly instance: Instance;
  readonly project: Project;
  readonly pipeline: Pipeline;
  /** All of the pipeline's jobs that were not retried. */
  readonly siblings: readonly Job[];
  readonly job: Job;
  /** null when no runner took the job, or its record was deleted. */
  readonly runner: Runner | null;
  readonly now: Date;
}

const noCommit = '0'.repeat(40);
const publicVisibility = 20;

/**
 * The body of a job hook: https://docs.gitlab.com/user/project/integrations/webhook_events/#job-events. It carries no
 * tags of the job; `tag` says whether the ref is a git tag, `runner.tags` are the runner's.
 */
export function renderJobHook(subject: HookSubject): Readonly<Record<string, unknown>> {
  const { instance, project, pipeline, job, now } = subject;
  const current = instance.hookShape === 'current';
  return {
    object_kind: 'build',
    ref: pipeline.ref,
    tag: pipeline.refType === 'tag',
    before_sha: noCommit,
    sha: pipeline.sha,
    ...(current ? { retries_count: job.retriesCount } : {}),
    build_id: job.id,
    build_name: job.plan.name,
    build_stage: job.plan.stage,
    build_status: job.status,
    ...dateFields('build_created_at', job.createdAt, current),
    ...dateFields('build_started_at', job.startedAt, current),
    ...dateFields('build_finished_at', job.finishedAt, current),
    build_duration: isFinished(job.status) ? durationSeconds(job, now) : null,
    build_queued_duration: queuedSeconds(job, now),
    build_allow_failure: job.plan.allowFailure,
    build_failure_reason: renderFailureReason(job),
    pipeline_id: pipeline.id,
    runner: renderRunner(subject.runner),
    project_id: project.id,
    project_name: fullName(project),
    user: { ...user, avatar_url: null, email: '[REDACTED]' },
    commit: renderCommit(subject, current),
    repository: renderRepository(instance, project),
    ...(current ? { project: renderProject(instance, project) } : {}),
    environment: null,
  };
}

/** Older releases wrote dates without `T`; newer ones add a twin that can be relied on. */
function dateFields(name: string, date: Date | null, current: boolean): Readonly<Record<string, string | null>> {
  const iso = date?.toISOString() ?? null;
  if (!current) return { [name]: iso === null ? null : `${iso.slice(0, 10)} ${iso.slice(11, 19)} UTC` };
  return { [name]: iso, [`${name}_iso`]: iso === null ? null : `${iso.slice(0, 19)}Z` };
}

/** A job that has not failed carries `unknown_failure`, but for its very first event. */
function renderFailureReason({ status, failureReason }: Job): string | null {
  if (status === 'created') return null;
  return failureReason ?? 'unknown_failure';
}

function renderRunner(runner: Runner | null) {
  if (runner === null) return null;
  return {
    id: runner.id,
    description: runner.description,
    runner_type: runner.type,
    active: !runner.paused,
    is_shared: runner.type === 'instance_type',
    tags: runner.tags,
  };
}

/** `commit.id` is the pipeline's id. */
function renderCommit({ pipeline, siblings, now }: HookSubject, current: boolean) {
  const status = compositeStatus(siblings) ?? 'created';
  const started = siblings.flatMap(({ startedAt }) => startedAt ?? []).sort(byTime)[0] ?? null;
  const finished = isFinished(status)
    ? (siblings
        .flatMap(({ finishedAt }) => finishedAt ?? [])
        .sort(byTime)
        .at(-1) ?? null)
    : null;
  return {
    id: pipeline.id,
    name: 'Build pipeline',
    sha: pipeline.sha,
    message: 'A change that was never made\n',
    author_name: user.name,
    author_email: user.email,
    author_url: 'mailto:local-user@example.com',
    status,
    duration:
      started !== null && finished !== null ? Math.round((finished.getTime() - started.getTime()) / 1000) : null,
    ...dateFields('started_at', started, current),
    ...dateFields('finished_at', finished ?? (isFinished(status) ? now : null), current),
  };
}

function renderRepository(instance: Instance, project: Project) {
  return {
    name: projectName(project),
    ...gitUrls(instance, project),
    url: gitUrls(instance, project).git_ssh_url,
    description: '',
    homepage: `${instance.url}/${project.path}`,
    visibility_level: publicVisibility,
  };
}

function renderProject(instance: Instance, project: Project) {
  return {
    id: project.id,
    name: humanize(projectName(project)),
    description: '',
    web_url: `${instance.url}/${project.path}`,
    avatar_url: null,
    ...gitUrls(instance, project),
    namespace: humanize(projectNamespace(project)),
    visibility_level: publicVisibility,
    path_with_namespace: project.path,
    default_branch: project.defaultBranch,
    ci_config_path: null,
  };
}

function gitUrls(instance: Instance, project: Project) {
  return {
    git_ssh_url: `git@${new URL(instance.url).hostname}:${project.path}.git`,
    git_http_url: `${instance.url}/${project.path}.git`,
  };
}

function byTime(a: Date, b: Date): number {
  return a.getTime() - b.getTime();
}
