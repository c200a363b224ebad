import type { Hook } from './hook.ts';
import type { Job } from './job.ts';
import type { Group, Pipeline, Project } from './project.ts';
import type { Runner, RunnerManager } from './runner.ts';

/** Clock and chance, given from outside. */
export interface GitLabPorts {
  now(): Date;
  /** Letters and digits, different each time. */
  randomText(length: number): string;
  randomUuid(): string;
}

export class NotFoundError extends Error {
  override readonly name = 'NotFoundError';
  readonly what: string;

  constructor(what: string, id: number | string) {
    super(`the local GitLab has no ${what.toLowerCase()} ${id}`);
    this.what = what;
  }
}

/** The records of one GitLab, in memory. Ids of different kinds begin far apart, so that mixing them up shows. */
export class GitLabStore {
  readonly groups = new Map<number, Group>();
  readonly projects = new Map<number, Project>();
  readonly pipelines = new Map<number, Pipeline>();
  readonly jobs = new Map<number, Job>();
  readonly traces = new Map<number, Buffer>();
  readonly runners = new Map<number, Runner>();
  readonly managers = new Map<number, RunnerManager>();
  readonly hooks = new Map<number, Hook>();
  readonly #next = { group: 11, project: 101, pipeline: 2001, job: 30_001, runner: 501, manager: 901, hook: 71 };

  nextId(kind: 'group' | 'project' | 'pipeline' | 'job' | 'runner' | 'manager' | 'hook'): number {
    const id = this.#next[kind];
    this.#next[kind] += 1;
    return id;
  }

  project(id: number): Project {
    return found('Project', id, this.projects.get(id));
  }

  /** By number or by path. */
  findProject(idOrPath: string): Project {
    const byPath = [...this.projects.values()].find(({ path }) => path === idOrPath);
    return byPath ?? found('Project', idOrPath, this.projects.get(Number(idOrPath)));
  }

  pipeline(id: number): Pipeline {
    return found('Pipeline', id, this.pipelines.get(id));
  }

  job(id: number): Job {
    return found('Job', id, this.jobs.get(id));
  }

  runner(id: number): Runner {
    return found('Runner', id, this.runners.get(id));
  }

  hook(id: number): Hook {
    return found('Hook', id, this.hooks.get(id));
  }

  /** The jobs of a pipeline that decide about it: those that no other job replaced. */
  presentJobs(pipelineId: number): readonly Job[] {
    return [...this.jobs.values()].filter((job) => job.pipelineId === pipelineId && !job.retried);
  }

  managersOf(runnerId: number): readonly RunnerManager[] {
    return [...this.managers.values()].filter((manager) => manager.runnerId === runnerId);
  }
}

function found<T>(what: string, id: number | string, record: T | undefined): T {
  if (record === undefined) throw new NotFoundError(what, id);
  return record;
}
