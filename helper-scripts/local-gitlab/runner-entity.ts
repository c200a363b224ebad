import { type Group, humanize, type Project } from './project.ts';
import { renderProject } from './project-entity.ts';
import type { Entity, Rendering } from './rendering.ts';
import { contactStatus, type Runner, type RunnerManager } from './runner.ts';

/** Runners as the REST API shows them: https://docs.gitlab.com/api/runners/. */

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
