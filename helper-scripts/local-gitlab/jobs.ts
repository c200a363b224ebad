import type { JobPlan, PipelinePlan } from './ci-config.ts';
import type { GitLabPorts, GitLabStore } from './gitlab-store.ts';
import {
  changeStatus,
  IllegalJobTransitionError,
  isCancelable,
  isFinished,
  isPlayable,
  isRetryable,
  isWithRunner,
  type Job,
  type JobChangeDetails,
  type JobStatus,
} from './job.ts';
import { findSkippedDependents, planPipelineSteps } from './pipeline-steps.ts';
import type { Pipeline, Project } from './project.ts';
import type { Runner, RunnerManager } from './runner.ts';

/** `from` is null when the job has just been created. */
export interface JobChange {
  readonly at: Date;
  readonly job: Job;
  readonly from: JobStatus | null;
  readonly to: JobStatus;
}

export interface PipelineOptions {
  /** A git tag when the project has one of that name, otherwise a branch. */
  readonly ref?: string;
  readonly variables?: Readonly<Record<string, string>>;
}

const shaLength = 40;
const tokenLength = 20;

/** The lives of jobs: every change of state in GitLab goes through here and is told to the listeners, in order. */
export class Jobs {
  readonly #store: GitLabStore;
  readonly #ports: GitLabPorts;
  readonly #listeners = new Set<(change: JobChange) => void>();

  constructor(store: GitLabStore, ports: GitLabPorts) {
    this.#store = store;
    this.#ports = ports;
  }

  /** @returns a function that ends the listening */
  onChange(listener: (change: JobChange) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** Creates all jobs of all stages at once, then lets the first ones wait for a runner. */
  createPipeline(project: Project, plan: PipelinePlan, options: PipelineOptions = {}): Pipeline {
    const iid = [...this.#store.pipelines.values()].filter(({ projectId }) => projectId === project.id).length + 1;
    const ref = options.ref ?? project.defaultBranch;
    const pipeline: Pipeline = {
      id: this.#store.nextId('pipeline'),
      iid,
      projectId: project.id,
      ref,
      refType: project.gitTags.includes(ref) ? 'tag' : 'branch',
      sha: this.#fakeSha(),
      createdAt: this.#ports.now(),
      variables: options.variables ?? {},
      warnings: plan.warnings,
    };
    this.#store.pipelines.set(pipeline.id, pipeline);
    const jobs = plan.jobs.map((job) => this.#create(pipeline, job, 0));
    for (const job of jobs) this.#tell(job, null);
    this.#advance(pipeline.id);
    return pipeline;
  }

  /** A runner takes a pending job. */
  start(jobId: number, runner: Runner, manager: RunnerManager | null): Job {
    return this.#change(jobId, 'running', { runnerId: runner.id, managerId: manager?.id ?? null });
  }

  succeed(jobId: number, details: Pick<JobChangeDetails, 'logIsWhole'> = {}): Job {
    return this.#finish(jobId, 'success', details);
  }

  fail(jobId: number, failureReason: string, details: Pick<JobChangeDetails, 'exitCode' | 'logIsWhole'> = {}): Job {
    return this.#finish(jobId, 'failed', { ...details, failureReason });
  }

  /**
   * Cancels at once what no runner works on. A runner that can is asked to stop first (`canceling`) and has the last
   * word. What is already over stays as it is.
   * @param force ends a `canceling` job without its runner
   */
  cancel(jobId: number, force = false): Job {
    const job = this.#store.job(jobId);
    if (job.status === 'canceling') return force ? this.#change(jobId, 'canceled') : job;
    if (!isCancelable(job.status)) return job;
    const manager = job.managerId === null ? undefined : this.#store.managers.get(job.managerId);
    const graceful = job.status === 'running' && manager?.cancelsGracefully === true;
    return this.#change(jobId, graceful ? 'canceling' : 'canceled');
  }

  /**
   * A new job in the place of a finished one; jobs that were skipped because of it wait again.
   * @throws IllegalJobTransitionError when it may not be retried
   */
  retry(jobId: number): Job {
    const job = this.#store.job(jobId);
    if (!isRetryable(job)) throw new IllegalJobTransitionError(`job ${jobId} is ${job.status}: it cannot be retried`);
    this.#store.jobs.set(jobId, { ...job, retried: true });
    const pipeline = this.#store.pipeline(job.pipelineId);
    const copy = this.#create(pipeline, job.plan, job.retriesCount + 1);
    this.#tell(copy, null);
    for (const dependent of findSkippedDependents(copy, this.#store.presentJobs(pipeline.id))) {
      this.#change(dependent.id, 'created', {}, false);
    }
    return this.#enqueue(copy.id);
  }

  /** @throws IllegalJobTransitionError when it is not a manual or delayed job that waits */
  play(jobId: number): Job {
    const job = this.#store.job(jobId);
    if (!isPlayable(job)) throw new IllegalJobTransitionError(`job ${jobId} is ${job.status}: it cannot be played`);
    return this.#enqueue(jobId);
  }

  /** The time of a delayed job has come, unless somebody was faster. */
  beginScheduled(jobId: number): void {
    if (this.#store.job(jobId).status === 'scheduled') this.#enqueue(jobId);
  }

  /** What the runner says is final, but a job that was to be cancelled is cancelled however it ended. */
  #finish(jobId: number, status: 'success' | 'failed', details: JobChangeDetails): Job {
    const job = this.#store.job(jobId);
    if (job.status !== 'canceling') return this.#change(jobId, status, details);
    const { logIsWhole } = details;
    return this.#change(jobId, 'canceled', logIsWhole === undefined ? {} : { logIsWhole });
  }

  /** Lets a job wait for a runner, or first for its resource group. */
  #enqueue(jobId: number, advance = true): Job {
    const job = this.#store.job(jobId);
    const isBusy = this.#sharing(job).some(({ status }) => status === 'pending' || isWithRunner(status));
    return this.#change(jobId, isBusy ? 'waiting_for_resource' : 'pending', {}, advance);
  }

  /** The next job gets the resource group of one that is over. */
  #passResourceOn(job: Job): void {
    const next = this.#sharing(job).find(({ status }) => status === 'waiting_for_resource');
    const isBusy = this.#sharing(job).some(({ status }) => status === 'pending' || isWithRunner(status));
    if (next && !isBusy) this.#change(next.id, 'pending', {}, false);
  }

  #sharing({ id, projectId, plan }: Job): readonly Job[] {
    return [...this.#store.jobs.values()].filter(
      (other) =>
        other.id !== id &&
        other.projectId === projectId &&
        plan.resourceGroup !== null &&
        other.plan.resourceGroup === plan.resourceGroup,
    );
  }

  #create(pipeline: Pipeline, plan: JobPlan, retriesCount: number): Job {
    const job: Job = {
      id: this.#store.nextId('job'),
      projectId: pipeline.projectId,
      pipelineId: pipeline.id,
      plan,
      status: 'created',
      token: `glcbt-fake-${this.#ports.randomText(tokenLength)}`,
      createdAt: this.#ports.now(),
      queuedAt: null,
      startedAt: null,
      finishedAt: null,
      failureReason: null,
      exitCode: null,
      logIsWhole: null,
      runnerId: null,
      managerId: null,
      retriesCount,
      retried: false,
    };
    this.#store.jobs.set(job.id, job);
    return job;
  }

  #change(jobId: number, status: JobStatus, details: JobChangeDetails = {}, advance = true): Job {
    const before = this.#store.job(jobId);
    const job = changeStatus(before, status, this.#ports.now(), details);
    this.#store.jobs.set(jobId, job);
    this.#tell(job, before.status);
    if (isFinished(status)) this.#passResourceOn(job);
    if (advance && !isWithRunner(status)) this.#advance(job.pipelineId);
    return job;
  }

  #advance(pipelineId: number): void {
    for (;;) {
      const steps = planPipelineSteps(this.#store.presentJobs(pipelineId));
      if (steps.length === 0) return;
      for (const { jobId, to } of steps) {
        if (to === 'pending') this.#enqueue(jobId, false);
        else this.#change(jobId, to, {}, false);
      }
    }
  }

  #tell(job: Job, from: JobStatus | null): void {
    const change: JobChange = { at: this.#ports.now(), job, from, to: job.status };
    for (const listener of this.#listeners) listener(change);
  }

  /** Forty hexadecimal digits. */
  #fakeSha(): string {
    return Buffer.from(this.#ports.randomText(shaLength)).toString('hex').slice(0, shaLength);
  }
}
