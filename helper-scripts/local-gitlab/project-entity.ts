import type { Hook } from './hook.ts';
import { type Instance, user } from './instance.ts';
import { fullName, type Project, projectName, projectNamespace } from './project.ts';
import type { Entity } from './rendering.ts';

/** Projects, their webhooks and their user as the REST API shows them: https://docs.gitlab.com/api/projects/. */

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
