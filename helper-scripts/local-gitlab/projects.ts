import type { GitLabPorts, GitLabStore } from './gitlab-store.ts';
import type { Hook } from './hook.ts';
import type { Project, ProjectVariable, RefType } from './project.ts';

/** Where every project's job events go. */
export interface Webhook {
  readonly url: string;
  /** Sent as it is in `X-Gitlab-Token`. */
  readonly token?: string;
  /** `whsec_` and 32 bytes in base64: signs what is sent. */
  readonly signingToken?: string;
}

export interface ProjectOptions {
  /** `.gitlab-ci.yml`, for pipelines that are started without one. */
  readonly ciConfig?: string;
  readonly variables?: readonly ProjectVariable[];
}

export class ProjectPathTakenError extends Error {
  override readonly name = 'ProjectPathTakenError';
}

/** Projects, their groups and webhooks. */
export class Projects {
  readonly #store: GitLabStore;
  readonly #ports: GitLabPorts;
  /** Hooks that come from the instance's one webhook, not from the API. */
  readonly #instanceHooks = new Set<number>();
  #webhook: Webhook | undefined;

  constructor(store: GitLabStore, ports: GitLabPorts) {
    this.#store = store;
    this.#ports = ports;
  }

  /** @param path with at least one group: `group/name` */
  create(path: string, options: ProjectOptions = {}): Project {
    if ([...this.#store.projects.values()].some((project) => project.path === path)) {
      throw new ProjectPathTakenError(`the local GitLab already has a project ${path}: choose another path`);
    }
    const project: Project = {
      id: this.#store.nextId('project'),
      path,
      groupIds: this.#groupIds(path),
      defaultBranch: 'main',
      gitTags: [],
      protectedRefs: { branch: ['main'], tag: [] },
      ciConfig: options.ciConfig ?? null,
      variables: options.variables ?? [],
    };
    this.#store.projects.set(project.id, project);
    this.#addInstanceHook(project);
    return project;
  }

  setCiConfig(projectId: number, ciConfig: string | null): void {
    this.#store.projects.set(projectId, { ...this.#store.project(projectId), ciConfig });
  }

  setProtectedRefs(projectId: number, type: RefType, patterns: readonly string[]): void {
    const project = this.#store.project(projectId);
    this.#store.projects.set(projectId, { ...project, protectedRefs: { ...project.protectedRefs, [type]: patterns } });
  }

  addGitTag(projectId: number, name: string): void {
    const project = this.#store.project(projectId);
    this.#store.projects.set(projectId, { ...project, gitTags: [...project.gitTags, name] });
  }

  /** Replaces the webhook of every project, present and future; undefined takes it away. */
  setWebhook(webhook: Webhook | undefined): void {
    for (const id of this.#instanceHooks) this.#store.hooks.delete(id);
    this.#instanceHooks.clear();
    this.#webhook = webhook;
    for (const project of this.#store.projects.values()) this.#addInstanceHook(project);
  }

  addHook(projectId: number, hook: Omit<Hook, 'id' | 'projectId' | 'createdAt'>): Hook {
    const added: Hook = { ...hook, id: this.#store.nextId('hook'), projectId, createdAt: this.#ports.now() };
    this.#store.hooks.set(added.id, added);
    return added;
  }

  #addInstanceHook(project: Project): void {
    if (this.#webhook === undefined) return;
    const { url, token, signingToken } = this.#webhook;
    const hook = this.addHook(project.id, {
      url,
      name: null,
      token: token ?? null,
      signingToken: signingToken ?? null,
      jobEvents: true,
      otherEvents: {},
      sslVerification: true,
    });
    this.#instanceHooks.add(hook.id);
  }

  /** Creates the groups that are missing. */
  #groupIds(path: string): readonly number[] {
    const names = path.split('/').slice(0, -1);
    return names.map((_, index) => {
      const groupPath = names.slice(0, index + 1).join('/');
      const known = [...this.#store.groups.values()].find((group) => group.path === groupPath);
      if (known !== undefined) return known.id;
      const id = this.#store.nextId('group');
      this.#store.groups.set(id, { id, path: groupPath });
      return id;
    });
  }
}
