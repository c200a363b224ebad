import { GitLabLimitError, GitLabRefusedError } from '../../infrastructure/lib/gitlab-errors.ts';
import { tokenWord } from '../support/in-memory-gitlab.ts';
import type { Faults } from './faults.ts';
import { createGitLabAccess } from './gitlab-access-model.ts';
import { type LongLivedSettings, type PlannedJob, projectIds } from './schedule.ts';
import type { VirtualTime } from './virtual-time.ts';

/** A job as GitLab has it. Times are milliseconds since 1970. */
export type SimulatedJob = {
  readonly id: number;
  readonly plan: PlannedJob;
  status: string;
  runnerId: number | null;
  /** Of a long-lived runner, the manager that runs it. */
  systemId: string | null;
  pendingAt: number | null;
  startedAt: number | null;
  finishedAt: number | null;
  failureReason: string | null;
  /** Its user cancels it: nobody is to bring it back. */
  isUnwanted: boolean;
  /** The job that took its place, and the one whose place it took, when our control plane retried it. */
  retriedAs: SimulatedJob | null;
  readonly retryOf: SimulatedJob | null;
  /** Ends what runs the job, where somebody does. */
  onCancel: (() => void) | null;
};

export type SimulatedRunner = {
  readonly id: number;
  /** Null: those of all projects. */
  readonly projectIds: readonly number[] | null;
  readonly tags: readonly string[];
  readonly runUntagged: boolean;
  readonly token: string;
  readonly description: string;
  readonly note: string;
  readonly createdAt: number;
  /** System ids of the hosts of a long-lived runner, which a user made; null for a runner that was made for one job. */
  readonly managers: Set<string> | null;
  paused: boolean;
};

/** Apart from those of the runners that are made for jobs. */
const longLivedRunnerId = 90_000;
const minute = 60_000;
/** GitLab drops a job that no runner came for, and one whose runner says nothing any more. */
const stuckPendingMilliseconds = 60 * minute;
const silentRunningMilliseconds = 30 * minute;
/**
 * A runner hears with its next update that its job is canceled: after 3 to 34 s, and up to 51 s when the job ignores
 * its signal.
 */
const longestCancelSeconds = 51;

export type GitLabModelOptions = {
  readonly time: VirtualTime;
  readonly faults: Faults;
  readonly cancelsAtOnce: boolean;
  readonly onHook: (job: SimulatedJob, status: string) => void;
  /** Told just before GitLab gives up a job that no runner came for. */
  readonly onStuck: (job: SimulatedJob) => void;
  /** Told when somebody does to a long-lived runner what only its user may do. */
  readonly onMeddling: (what: string) => void;
  /** Our control plane has a job retried. */
  readonly onRetry: (retry: SimulatedJob) => void;
};

export type GitLabModel = ReturnType<typeof createGitLabModel>;

/** GitLab as far as we meet it: jobs, runners, who gets what, and the hooks that tell of it. */
export function createGitLabModel(options: GitLabModelOptions) {
  const { time, faults, cancelsAtOnce, onHook, onStuck, onMeddling, onRetry } = options;
  const jobs = new Map<number, SimulatedJob>();
  const runners = new Map<number, SimulatedRunner>();
  const removedByHand = new Set<number>();
  const access = createGitLabAccess({ time, faults });
  const { answer } = access;
  let lastJobId = 0;
  let lastRunnerId = 100;

  function change(job: SimulatedJob, status: string, reason = 'script_failure'): void {
    job.status = status;
    if (status === 'failed') job.failureReason = reason;
    if (status === 'pending') job.pendingAt = time.now();
    if (status === 'running') job.startedAt = time.now();
    if (isOver(job)) {
      job.finishedAt = time.now();
      job.onCancel = null;
      for (const next of jobs.values()) if (next.plan.after === job.plan.index) beginAfter(next, job);
    }
    if (status !== 'canceling' && status !== 'skipped') onHook(job, status);
  }

  function makePending(job: SimulatedJob): void {
    if (job.status !== 'created') return;
    change(job, 'pending');
    time.after(stuckPendingMilliseconds, () => {
      if (job.status !== 'pending') return;
      onStuck(job);
      change(job, 'failed');
    });
  }

  /** The next stage begins a second or two after the one before. */
  function beginAfter(job: SimulatedJob, { id }: SimulatedJob): void {
    time.after(500 + (id % 4) * 500, () => makePending(job));
  }

  function create(plan: PlannedJob, retryOf: SimulatedJob | null = null): SimulatedJob {
    lastJobId += 1;
    const job: SimulatedJob = {
      id: lastJobId,
      plan,
      status: 'created',
      runnerId: null,
      systemId: null,
      pendingAt: null,
      startedAt: null,
      finishedAt: null,
      failureReason: null,
      isUnwanted: false,
      retriedAs: null,
      retryOf,
      onCancel: null,
    };
    jobs.set(job.id, job);
    onHook(job, 'created');
    return job;
  }

  return {
    jobs,
    runners,
    /** Ids of runners that somebody removed: GitLab does not tell any more what runs on them. */
    removedByHand,
    isDown: access.isDown,
    /** Calls that GitLab did not answer, or refused for what it does not want now. */
    refusals: access.refusals,

    create,
    makePending,
    skip(job: SimulatedJob): void {
      if (job.status === 'created') change(job, 'skipped');
    },
    cancel(job: SimulatedJob): void {
      if (isOver(job)) return;
      job.isUnwanted = true;
      if (job.status !== 'running' || cancelsAtOnce) {
        const stop = job.onCancel;
        change(job, 'canceled');
        if (stop) time.after(cancelMilliseconds(job), stop);
        return;
      }
      job.status = 'canceling';
      if (job.onCancel) time.after(cancelMilliseconds(job), job.onCancel);
    },

    /** What a runner gets that asks for a job. `refused`: its token is not known (any more). `systemId`: which host of a long-lived one asks. */
    request(token: string, systemId: string | null = null): SimulatedJob | 'nothing' | 'refused' | 'down' {
      if (access.isDown()) return 'down';
      const runner = [...runners.values()].find((one) => one.token === token);
      if (!runner) return 'refused';
      if (systemId !== null) runner.managers?.add(systemId);
      if (runner.paused) return 'nothing';
      const fitting = [...jobs.values()].filter((job) => job.status === 'pending' && canRun(runner, job));
      const [job] = fitting.sort((a, b) => (a.pendingAt ?? 0) - (b.pendingAt ?? 0) || a.id - b.id);
      if (!job) return 'nothing';
      job.runnerId = runner.id;
      job.systemId = systemId;
      change(job, 'running');
      time.after(job.plan.durationSeconds * 1_000 + silentRunningMilliseconds, () => {
        if (job.status === 'running') change(job, 'failed', 'no_updates_running');
        if (job.status === 'canceling') change(job, 'canceled');
      });
      return job;
    },
    /** What a runner reports about its job; GitLab may know better. */
    report(job: SimulatedJob, status: string, reason?: string): void {
      if (job.status === 'canceling') change(job, 'canceled');
      else if (job.status === 'running') change(job, status, reason);
    },
    /** A runner removes itself. */
    removeByToken(token: string): void {
      if (access.isDown()) return;
      for (const runner of runners.values()) if (runner.token === token) remove(runner.id);
    },
    remove,
    /** A user makes a long-lived runner. */
    bring({ tags, runUntagged, projectIds, description }: LongLivedSettings): SimulatedRunner {
      const id = longLivedRunnerId;
      const token = `glrt-fake-${tokenWord}-${id}`;
      const own = { id, token, note: '', createdAt: time.now(), managers: new Set<string>(), paused: false };
      runners.set(id, { ...own, tags, runUntagged, projectIds, description });
      return runners.get(id) as SimulatedRunner;
    },
    /** Removes one host from its runner, with the runner's token; GitLab forgets with it which jobs it had. */
    removeManager(token: string, systemId: string): boolean {
      if (access.isDown()) return false;
      const runner = [...runners.values()].find((one) => one.token === token);
      for (const job of jobs.values()) if (job.systemId === systemId) job.systemId = null;
      return runner?.managers?.delete(systemId) ?? false;
    },
    /** All but the long-lived ones, which are to stay. */
    runnersOfJobs: () => [...runners.values()].filter(({ managers }) => managers === null),
    answer,
    /** The API, as far as every part of ours uses it. */
    api: {
      readJob: (projectId: number, jobId: number) =>
        answer(() => {
          const job = jobs.get(jobId);
          if (job?.plan.projectId !== projectId) return null;
          const lags = job.status === 'pending' && faults.isOn('gitlab-lagging');
          return {
            id: job.id,
            status: lags ? 'created' : job.status,
            tags: job.plan.tags,
            runnerId: job.runnerId,
            systemId: job.systemId,
          };
        }),
      readJobEnd: (projectId: number, jobId: number) =>
        answer(() => {
          const job = jobs.get(jobId);
          if (job?.plan.projectId !== projectId) return null;
          const finishedAt = job.finishedAt === null ? null : new Date(job.finishedAt).toISOString();
          const { status, failureReason } = job;
          return { status, jobName: job.plan.name, pipelineId: pipelineOf(job), failureReason, finishedAt };
        }),
      cancelJob: (_projectId: number, jobId: number) =>
        answer(() => {
          const job = jobs.get(jobId);
          if (job && !isOver(job)) change(job, 'canceled');
          return job?.status ?? 'canceled';
        }),
      retryJob: (_projectId: number, jobId: number) =>
        answer(() => {
          const job = jobs.get(jobId);
          if (!job || !isOver(job) || job.status === 'skipped' || job.retriedAs) return null;
          const { after: _, ...plan } = job.plan;
          const now = job.plan.createdAt;
          const retry = create({ ...plan, createdAt: now, pendingAt: now, canceledAt: null, retried: false }, job);
          job.retriedAs = retry;
          onRetry(retry);
          time.after(500, () => makePending(retry));
          return retry.id;
        }),
      createRunner: (runner: {
        readonly projectId: number;
        readonly description: string;
        readonly maintenanceNote: string;
        readonly tags: readonly string[];
        readonly maximumTimeoutSeconds: number;
      }) =>
        answer(() => {
          if (runner.maximumTimeoutSeconds < 600) throw new GitLabRefusedError('maximum_timeout is at least 600');
          if (runners.size >= (faults.now('runners-limited')?.most ?? Number.POSITIVE_INFINITY))
            throw new GitLabLimitError('Maximum number of ci registered project runners exceeded');
          lastRunnerId += 1;
          const token = `glrt-fake-${tokenWord}-${lastRunnerId}`;
          const { projectId, description, maintenanceNote, tags } = runner;
          const made: SimulatedRunner = {
            id: lastRunnerId,
            projectIds: [projectId],
            tags,
            runUntagged: tags.length === 0,
            token,
            description,
            note: maintenanceNote,
            createdAt: time.now(),
            managers: null,
            paused: false,
          };
          runners.set(made.id, made);
          const nth = lastRunnerId - 100;
          for (const fault of [...faults.all('runner-removed'), ...faults.all('runner-paused')]) {
            if (fault.nth !== nth) continue;
            time.after(fault.seconds * 1_000, () => {
              faults.count(fault.kind);
              if (fault.kind === 'runner-paused') made.paused = true;
              else if (remove(made.id)) removedByHand.add(made.id);
            });
          }
          return { runnerId: made.id, token };
        }),
      removeRunner: (runnerId: number) => answer(() => remove(runnerId)),
      pauseRunner: (runnerId: number) =>
        answer(() => {
          const runner = runners.get(runnerId);
          if (runner?.managers) onMeddling(`runner ${runnerId} is paused, for all of its hosts`);
          if (runner) runner.paused = true;
          return runner !== undefined;
        }),
      jobsOf: (runnerId: number) =>
        answer(() => {
          if (!runners.has(runnerId)) return [];
          const its = [...jobs.values()].filter((job) => job.runnerId === runnerId);
          return its.map(({ plan, id, status }) => ({ projectId: plan.projectId, jobId: id, status })).reverse();
        }),
      pendingJobs: (projectId: number) =>
        answer(() => {
          const pending = [...jobs.values()].filter(
            (job) => job.plan.projectId === projectId && job.status === 'pending' && !faults.isOn('gitlab-lagging'),
          );
          return pending.map((job) => ({
            id: job.id,
            status: job.status,
            tags: job.plan.tags,
            runnerId: null,
            systemId: null,
            name: job.plan.name,
            stage: 'test',
            ref: 'main',
            pipelineId: pipelineOf(job),
            createdAt: new Date(time.now()).toISOString(),
          }));
        }),
      ownRunners: (descriptionStart: string) =>
        answer(() => {
          const ours = [...runners.values()].filter(({ description }) => description.startsWith(descriptionStart));
          const isBusy = ({ id }: SimulatedRunner) =>
            [...jobs.values()].some((job) => job.status === 'running' && job.runnerId === id);
          return ours.map((runner) => ({
            runnerId: runner.id,
            description: runner.description,
            createdAt: new Date(runner.createdAt).toISOString(),
            busy: isBusy(runner),
          }));
        }),
      begunJobs: (projectId: number, mostPages: number) =>
        answer(() =>
          [...jobs.values()]
            .filter(
              ({ plan, status }) =>
                plan.projectId === projectId && ['running', 'success', 'failed', 'canceled'].includes(status),
            )
            .sort((a, b) => b.id - a.id)
            .slice(0, mostPages * 100)
            .map(({ id, status, plan, runnerId, systemId }) => ({ id, status, tags: plan.tags, runnerId, systemId })),
        ),
      readRunnerNote: (runnerId: number) => answer(() => runners.get(runnerId)?.note ?? null),
      findProject: (path: string) => answer(() => ({ projectId: Number(path.split('-').at(-1)), path })),
      projectsOfGroup: (group: string) =>
        answer(() => ({
          projects: projectIds.map((projectId) => ({ projectId, path: `${group}/project-${projectId}` })),
          isLast: true,
        })),
    },
  };

  /** GitLab forgets who ran a job when its runner goes. */
  function remove(runnerId: number): boolean {
    if (runners.get(runnerId)?.managers) onMeddling(`runner ${runnerId} is removed, from under all of its hosts`);
    for (const job of jobs.values()) if (job.runnerId === runnerId) job.runnerId = null;
    return runners.delete(runnerId);
  }
}

function cancelMilliseconds({ id }: SimulatedJob): number {
  return (3 + ((id * 17) % (longestCancelSeconds - 2))) * 1_000;
}

export function isOver({ status }: { readonly status: string }): boolean {
  return ['success', 'failed', 'canceled', 'skipped'].includes(status);
}

/** Each planned job is in a pipeline of its own, with whatever is made to repeat it. */
export function pipelineOf({ plan }: SimulatedJob): number {
  return 50 + plan.index;
}

/** Source: https://docs.gitlab.com/ci/runners/configure_runners/#control-jobs-that-a-runner-can-run */
export function canRun(runner: SimulatedRunner, { plan }: SimulatedJob): boolean {
  if (runner.projectIds && !runner.projectIds.includes(plan.projectId)) return false;
  if (plan.tags.length === 0) return runner.runUntagged;
  return plan.tags.every((tag) => runner.tags.includes(tag));
}
