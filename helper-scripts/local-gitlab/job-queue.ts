import type { GitLabPorts, GitLabStore } from './gitlab-store.ts';
import { isWithRunner, type Job } from './job.ts';
import type { JobChange, Jobs } from './jobs.ts';
import type { Runner, RunnerManager } from './runner.ts';
import { type Candidate, chooseJob, mayRun } from './runner-matching.ts';

/** A runner's view of the queue: it changes whenever there is something new for it. */
interface QueueView {
  value: string;
  readonly waiting: Set<() => void>;
}

const valueLength = 32;

/**
 * Hands pending jobs out. A runner that asks again with the value it was last given gets nothing while that value
 * stands, and may be kept waiting until it changes: that is GitLab's long poll, which Workhorse does in front of Rails.
 */
export class JobQueue {
  readonly #store: GitLabStore;
  readonly #ports: GitLabPorts;
  readonly #jobs: Jobs;
  readonly #views = new Map<number, QueueView>();

  constructor(store: GitLabStore, ports: GitLabPorts, jobs: Jobs) {
    this.#store = store;
    this.#ports = ports;
    this.#jobs = jobs;
    jobs.onChange((change) => this.#noticeJob(change));
  }

  /** `X-GitLab-Last-Update` */
  value(runnerId: number): string {
    return this.#view(runnerId).value;
  }

  /** The pending job with the lowest id that fits; it is running from here on. */
  take(runner: Runner, manager: RunnerManager | null): Job | undefined {
    const job = chooseJob(runner, this.#candidates());
    return job === undefined ? undefined : this.#jobs.start(job.id, runner, manager);
  }

  /** Something about the runner itself changed, so that other jobs may fit now. */
  refresh(runnerId: number): void {
    const view = this.#view(runnerId);
    view.value = this.#ports.randomText(valueLength);
    for (const wake of [...view.waiting]) wake();
  }

  /** Resolves when the view changes or the signal is aborted, whichever is first. */
  waitForChange(runnerId: number, signal: AbortSignal): Promise<void> {
    const { waiting } = this.#view(runnerId);
    return new Promise((resolve) => {
      const wake = (): void => {
        waiting.delete(wake);
        signal.removeEventListener('abort', wake);
        resolve();
      };
      if (signal.aborted) return resolve();
      waiting.add(wake);
      signal.addEventListener('abort', wake);
    });
  }

  #noticeJob({ job, to }: JobChange): void {
    if (to !== 'pending') return;
    const subject = this.#subject(job);
    for (const runner of this.#store.runners.values()) if (mayRun(runner, subject)) this.refresh(runner.id);
  }

  #candidates(): readonly Candidate[] {
    const jobs = [...this.#store.jobs.values()];
    const byInstanceRunners = jobs.filter(
      ({ status, runnerId }) =>
        isWithRunner(status) && this.#store.runners.get(runnerId ?? 0)?.type === 'instance_type',
    );
    const busy = Map.groupBy(byInstanceRunners, ({ projectId }) => projectId);
    return jobs
      .filter(({ status }) => status === 'pending')
      .map((job) => ({ ...this.#subject(job), onInstanceRunners: busy.get(job.projectId)?.length ?? 0 }));
  }

  #subject(job: Job) {
    return { job, project: this.#store.project(job.projectId), pipeline: this.#store.pipeline(job.pipelineId) };
  }

  #view(runnerId: number): QueueView {
    const known = this.#views.get(runnerId);
    if (known !== undefined) return known;
    const view: QueueView = { value: this.#ports.randomText(valueLength), waiting: new Set() };
    this.#views.set(runnerId, view);
    return view;
  }
}
