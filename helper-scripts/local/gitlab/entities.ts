import { compositeStatus } from './composite-status.ts';
import type { Hook } from './hook.ts';
import { type Instance, user } from './instance.ts';
import { durationSeconds, type Job, queuedSeconds } from './job.ts';
import {
  fullName,
  type Group,
  humanize,
  type Pipeline,
  type Project,
  projectName,
  projectNamespace,
} from './project.ts';
import { contactStatus, type Runner, type RunnerManager } from './runner.ts';

/** Records as the REST API shows them: https://docs.gitlab.com/api/. */

type Entity = Readonly<Record<string, unknown>>;

export function renderUser(instance: Instance): Entity {
  return {
    id: user.id,
    username: user.username,
    name: user.name,
    state: 'active',
    locked: false,
    avatar_url: null,
    web_url: `${instance.url}/${user.username}`,
  };
}

export interface JobSubject {
  readonly job: Job;
  readonly project: Project;
  readonly pipeline: Pipeline;
  readonly siblings: readonly Job[];
  readonly runner: Runner | null;
  readonly manager: RunnerManager | null;
}

/** `busy` says whether a job runs on a runner or a manager. */
export interface Rendering {
  readonly instance: Instance;
  readonly now: Date;
  runnerIsBusy(runnerId: number): boolean;
  managerIsBusy(managerId: number): boolean;
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
    tag: false,
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

export function renderRunner(runner: Runner, { now, runnerIsBusy }: Rendering): Entity {
  const status = contactStatus(runner, now);
  return {
    id: runner.id,
    description: runner.description,
    ip_address: null,
    active: !runner.paused,
    paused: runner.paused,
    is_shared: runner.type === 'instance_type',
    runner_type: runner.type,
    name: runner.contactedAt === null ? null : 'gitlab-runner',
    online: status === 'online',
    created_at: runner.createdAt,
    status,
    job_execution_status: runnerIsBusy(runner.id) ? 'active' : 'idle',
  };
}

export interface RunnerSubject {
  readonly runner: Runner;
  readonly managers: readonly RunnerManager[];
  readonly projects: readonly Project[];
  readonly groups: readonly Group[];
}

export function renderRunnerDetails(
  { runner, managers, projects, groups }: RunnerSubject,
  rendering: Rendering,
): Entity {
  const latest = [...managers].sort((a, b) => b.contactedAt.getTime() - a.contactedAt.getTime())[0];
  return {
    ...renderRunner(runner, rendering),
    tag_list: runner.tags,
    run_untagged: runner.runUntagged,
    locked: runner.locked,
    maximum_timeout: runner.maximumTimeoutSeconds,
    access_level: runner.accessLevel,
    version: latest?.version ?? null,
    revision: latest?.revision ?? null,
    platform: latest?.platform ?? null,
    architecture: latest?.architecture ?? null,
    contacted_at: runner.contactedAt,
    maintenance_note: runner.maintenanceNote,
    projects: projects.map((project) => renderProject(project, rendering.instance)),
    groups: groups.map(({ id, path }) => ({
      id,
      name: humanize(path),
      web_url: `${rendering.instance.url}/groups/${path}`,
    })),
  };
}

export function renderManager(manager: RunnerManager, { now, managerIsBusy }: Rendering): Entity {
  return {
    id: manager.id,
    system_id: manager.systemId,
    version: manager.version,
    revision: manager.revision,
    platform: manager.platform,
    architecture: manager.architecture,
    created_at: manager.createdAt,
    contacted_at: manager.contactedAt,
    ip_address: '127.0.0.1',
    status: contactStatus(manager, now),
    job_execution_status: managerIsBusy(manager.id) ? 'active' : 'idle',
  };
}

export function renderProject(project: Project, instance: Instance): Entity {
  return {
    id: project.id,
    description: null,
    name: projectName(project),
    name_with_namespace: fullName(project),
    path: projectName(project),
    path_with_namespace: project.path,
    default_branch: project.defaultBranch,
    visibility: 'public',
    web_url: `${instance.url}/${project.path}`,
    http_url_to_repo: `${instance.url}/${project.path}.git`,
    namespace: { id: project.groupIds.at(-1) ?? 0, kind: 'group', full_path: projectNamespace(project) },
  };
}

/** Tokens are never shown, only whether there are any. */
export function renderHook(hook: Hook, { hookShape }: Instance): Entity {
  return {
    id: hook.id,
    url: hook.url,
    name: hook.name,
    description: null,
    project_id: hook.projectId,
    created_at: hook.createdAt,
    job_events: hook.jobEvents,
    ...hook.otherEvents,
    enable_ssl_verification: hook.sslVerification,
    alert_status: 'executable',
    disabled_until: null,
    token_present: hook.token !== null,
    ...(hookShape === 'old' ? {} : { signing_token_present: hook.signingToken !== null }),
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
