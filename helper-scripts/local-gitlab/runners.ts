import { type GitLabPorts, type GitLabStore, NotFoundError } from './gitlab-store.ts';
import { isWithRunner } from './job.ts';
import type { Runner, RunnerManager } from './runner.ts';
import { findRunnerFaults, type NewRunnerInput, type RunnerChangeInput } from './runner-input.ts';

/** What a runner says about the host it is on, with every request. */
export interface RunnerContact {
  readonly systemId: string | undefined;
  readonly version?: string | undefined;
  readonly revision?: string | undefined;
  readonly platform?: string | undefined;
  readonly architecture?: string | undefined;
  readonly executor?: string | undefined;
  readonly cancelsGracefully: boolean;
}

/** What GitLab's model refuses, by attribute. */
export class InvalidRunnerError extends Error {
  override readonly name = 'InvalidRunnerError';
  readonly faults: Readonly<Record<string, readonly string[]>>;

  constructor(faults: Readonly<Record<string, readonly string[]>>) {
    super(
      `the runner is not valid: ${Object.entries(faults)
        .map(([key, texts]) => `${key} ${texts.join(', ')}`)
        .join('; ')}`,
    );
    this.faults = faults;
  }
}

const randomLength = 20;

/** Runners and the hosts that use them. */
export class Runners {
  readonly #store: GitLabStore;
  readonly #ports: GitLabPorts;

  constructor(store: GitLabStore, ports: GitLabPorts) {
    this.#store = store;
    this.#ports = ports;
  }

  /** @throws InvalidRunnerError, NotFoundError */
  create(input: NewRunnerInput): Runner {
    if (input.runner_type === 'project_type') this.#store.project(input.project_id ?? 0);
    if (input.runner_type === 'group_type' && !this.#store.groups.has(input.group_id ?? 0)) {
      throw new NotFoundError('Group', input.group_id ?? 0);
    }
    const runner: Runner = {
      id: this.#store.nextId('runner'),
      token: `glrt-fake-${this.#ports.randomText(randomLength)}`,
      type: input.runner_type,
      projectId: input.runner_type === 'project_type' ? (input.project_id ?? null) : null,
      groupId: input.runner_type === 'group_type' ? (input.group_id ?? null) : null,
      description: input.description ?? '',
      tags: input.tag_list ?? [],
      runUntagged: input.run_untagged ?? true,
      paused: input.paused ?? false,
      locked: input.locked ?? false,
      accessLevel: input.access_level ?? 'not_protected',
      maximumTimeoutSeconds: input.maximum_timeout ?? null,
      maintenanceNote: input.maintenance_note ?? null,
      tokenExpiresAt: input.token_expires_at === undefined ? null : new Date(input.token_expires_at),
      createdAt: this.#ports.now(),
      contactedAt: null,
    };
    return this.#keep(runner);
  }

  /** @throws InvalidRunnerError, NotFoundError */
  change(id: number, input: RunnerChangeInput): Runner {
    const runner = this.#store.runner(id);
    const paused = input.paused ?? (input.active === undefined ? runner.paused : !input.active);
    return this.#keep({
      ...runner,
      paused,
      description: input.description ?? runner.description,
      locked: input.locked ?? runner.locked,
      runUntagged: input.run_untagged ?? runner.runUntagged,
      tags: input.tag_list ?? runner.tags,
      accessLevel: input.access_level ?? runner.accessLevel,
      maximumTimeoutSeconds: input.maximum_timeout ?? runner.maximumTimeoutSeconds,
      maintenanceNote: input.maintenance_note ?? runner.maintenanceNote,
    });
  }

  /** Its jobs go on, but say no longer who runs them. */
  delete(id: number): void {
    this.#store.runner(id);
    this.#store.runners.delete(id);
    for (const manager of this.#store.managersOf(id)) this.#store.managers.delete(manager.id);
    for (const job of this.#store.jobs.values()) {
      if (job.runnerId === id) this.#store.jobs.set(job.id, { ...job, runnerId: null, managerId: null });
    }
  }

  deleteManager(manager: RunnerManager): void {
    this.#store.managers.delete(manager.id);
    for (const job of this.#store.jobs.values()) {
      if (job.managerId === manager.id) this.#store.jobs.set(job.id, { ...job, managerId: null });
    }
  }

  /** The runner whose token it is, unless that has expired. */
  findByToken(token: string): Runner | undefined {
    const runner = [...this.#store.runners.values()].find((candidate) => candidate.token === token);
    const expired = runner?.tokenExpiresAt != null && runner.tokenExpiresAt <= this.#ports.now();
    return expired ? undefined : runner;
  }

  resetToken(id: number): Runner {
    const runner = { ...this.#store.runner(id), token: `glrt-fake-${this.#ports.randomText(randomLength)}` };
    this.#store.runners.set(id, runner);
    return runner;
  }

  /** Notes a sign of life; a host that is heard of for the first time becomes a manager. */
  contact(runner: Runner, contact: RunnerContact): RunnerManager | null {
    const now = this.#ports.now();
    this.#store.runners.set(runner.id, { ...runner, contactedAt: now });
    const { systemId } = contact;
    if (systemId === undefined) return null;
    const known = this.#store.managersOf(runner.id).find((manager) => manager.systemId === systemId);
    const manager: RunnerManager = {
      id: known?.id ?? this.#store.nextId('manager'),
      runnerId: runner.id,
      systemId,
      version: contact.version ?? known?.version ?? null,
      revision: contact.revision ?? known?.revision ?? null,
      platform: contact.platform ?? known?.platform ?? null,
      architecture: contact.architecture ?? known?.architecture ?? null,
      executor: contact.executor ?? known?.executor ?? null,
      cancelsGracefully: contact.cancelsGracefully,
      createdAt: known?.createdAt ?? now,
      contactedAt: now,
    };
    this.#store.managers.set(manager.id, manager);
    return manager;
  }

  isBusy(runnerId: number): boolean {
    return [...this.#store.jobs.values()].some((job) => job.runnerId === runnerId && isWithRunner(job.status));
  }

  isManagerBusy(managerId: number): boolean {
    return [...this.#store.jobs.values()].some((job) => job.managerId === managerId && isWithRunner(job.status));
  }

  #keep(runner: Runner): Runner {
    const faults = findRunnerFaults(runner);
    if (Object.keys(faults).length > 0) throw new InvalidRunnerError(faults);
    this.#store.runners.set(runner.id, runner);
    return runner;
  }
}
