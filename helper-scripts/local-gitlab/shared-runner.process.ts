import type { GitLabStore } from './gitlab-store.ts';
import type { Job, JobStatus } from './job.ts';
import type { JobChange, Jobs } from './jobs.ts';
import type { SharedRunnerOptions } from './local-gitlab.ts';
import type { Runner, RunnerManager } from './runner.ts';
import { takesTags } from './runner-matching.ts';
import type { Runners } from './runners.ts';

const sharedRunnerDescription = 'shared-runner';
const defaultDelayMs = 500;
const defaultDurationMs = 1000;

/**
 * A runner of somebody else: takes every matching job of every project after a while and lets it succeed, without
 * running anything. With it, jobs that an autoscaler leaves alone come to an end.
 */
export class SharedRunner {
  readonly #store: GitLabStore;
  readonly #jobs: Jobs;
  readonly #runner: Runner;
  readonly #manager: RunnerManager | null;
  readonly #delayMs: number;
  readonly #durationMs: number;
  readonly #timers = new Set<NodeJS.Timeout>();
  readonly #stopListening: () => void;

  constructor(store: GitLabStore, jobs: Jobs, runners: Runners, options: SharedRunnerOptions) {
    this.#store = store;
    this.#jobs = jobs;
    this.#delayMs = options.delayMs ?? defaultDelayMs;
    this.#durationMs = options.durationMs ?? defaultDurationMs;
    this.#runner = runners.create({
      runner_type: 'instance_type',
      description: sharedRunnerDescription,
      tag_list: [...options.tags],
      run_untagged: options.runUntagged,
    });
    this.#manager = runners.contact(this.#runner, { systemId: 'r_sharedrunner', cancelsGracefully: true });
    this.#stopListening = jobs.onChange((change) => this.#notice(change));
    for (const job of store.jobs.values()) this.#consider(job);
  }

  get runnerId(): number {
    return this.#runner.id;
  }

  /** Takes no further job; one that runs stays as it is. */
  stop(): void {
    this.#stopListening();
    for (const timer of this.#timers) clearTimeout(timer);
  }

  #notice({ job, to }: JobChange): void {
    if (to === 'pending') this.#consider(job);
    if (to === 'canceling' && job.runnerId === this.#runner.id) this.#later(0, () => this.#end(job.id));
  }

  #consider(job: Job): void {
    if (job.status !== 'pending' || !takesTags(this.#runner, job.plan.tags)) return;
    this.#later(this.#delayMs, () => {
      if (!this.#isStill(job.id, 'pending')) return;
      // Paused, it gets nothing; GitLab gives it what waits as soon as it is not any more.
      if (this.#store.runners.get(this.#runner.id)?.paused) return this.#consider(job);
      this.#jobs.start(job.id, this.#runner, this.#manager);
      this.#later(this.#durationMs, () => this.#end(job.id));
    });
  }

  #end(jobId: number): void {
    if (this.#isStill(jobId, 'running', 'canceling')) this.#jobs.succeed(jobId);
  }

  #isStill(jobId: number, ...statuses: readonly JobStatus[]): boolean {
    const job = this.#store.jobs.get(jobId);
    return job !== undefined && statuses.includes(job.status);
  }

  #later(milliseconds: number, run: () => void): void {
    const timer = setTimeout(() => {
      this.#timers.delete(timer);
      run();
    }, milliseconds);
    this.#timers.add(timer);
  }
}
