import { GitLabLimitError, GitLabRefusedError } from '../../infrastructure/gitlab/gitlab-errors.ts';
import { tokenWord } from '../support/in-memory-gitlab.ts';
import type { Faults } from './faults.ts';
import { createGitLabAccess } from './gitlab-access-model.ts';
import { createJobQueueModel } from './job-queue-model.ts';
import { createPipelinesModel } from './pipelines-model.ts';
import { type LongLivedSettings, type PlannedJob, pathOf, projectIds, refAndStage } from './schedule.ts';
import { isOver, newJob, pipelineOf, type SimulatedJob, type SimulatedRunner } from './simulated-job.ts';
import type { VirtualTime } from './virtual-time.ts';

/** Of the first runner that a user made; apart from those of the runners that are made for jobs. */
const firstOfUsers = 90_000;
const minute = 60_000;
/** GitLab drops a job that no runner came for, and one whose runner says nothing any more. */
const stuckPendingMilliseconds = 60 * minute;
const silentRunningMilliseconds = 30 * minute;
/**
 * A runner hears with its next update that its job is canceled: after 3 to 34 s, and up to 51 s when the job ignores
 * its signal.
 */
const longestCancelSeconds = 51;
/** GitLab tells nobody of the others. */
const toldStatuses = ['pending', 'running', 'success', 'failed', 'canceled'];

export type GitLabModelOptions = {
  readonly time: VirtualTime;
  readonly faults: Faults;
  readonly cancelsAtOnce: boolean;
  readonly longPolls: boolean;
  readonly onHook: (job: SimulatedJob, status: string) => void;
  /** Told just before GitLab gives up a job that no runner came for. */
  readonly onStuck: (job: SimulatedJob) => void;
  /** Told when somebody does to a long-lived runner what only its user may do. */
  readonly onMeddling: (what: string) => void;
  /** A job was the first one that fits, and a runner that asked did not get it. */
  readonly onPassedOver: (job: SimulatedJob) => void;
  /** Our control plane has a job retried. */
  readonly onRetry: (retry: SimulatedJob) => void;
  /** The same for a cancel. */
  readonly onCancelByUs: (job: SimulatedJob) => void;
};

/** `systemId`: which host of a runner that a user made asks. `seen`: what it was told last, null at first. */
type JobRequest = { readonly token: string; readonly systemId?: string | null; readonly seen?: number | null };
/** `refused`: the token is not known (any more). */
type JobAnswer = {
  readonly got: SimulatedJob | 'nothing' | 'refused' | 'down';
  readonly seen: number | null;
};

type UsersRunner = Omit<LongLivedSettings, 'profile' | 'hasOtherHost'>;

export type GitLabModel = ReturnType<typeof createGitLabModel>;

/** GitLab as far as we meet it: jobs, runners, who gets what, and the hooks that tell of it. */
export function createGitLabModel(options: GitLabModelOptions) {
  const { time, faults, cancelsAtOnce, longPolls, onHook, onStuck, onMeddling, onRetry, onCancelByUs } = options;
  const jobs = new Map<number, SimulatedJob>();
  const runners = new Map<number, SimulatedRunner>();
  const removedByHand = new Set<number>();
  const access = createGitLabAccess({ time, faults });
  const { answer } = access;
  const queue = createJobQueueModel({ time, faults, longPolls, jobs, runners, onPassedOver: passOver });
  const pipelines = createPipelinesModel({ time, jobs, change, makePending });
  const startedAt = time.now();
  let lastJobId = 0;
  let lastRunnerId = 100;

  function change(job: SimulatedJob, status: string, reason = 'script_failure'): void {
    if (job.status === 'pending') job.leftQueueAt = time.now();
    job.status = status;
    if (status === 'failed') job.failureReason = reason;
    if (status === 'pending') job.pendingAt = time.now();
    if (status === 'running') job.startedAt = time.now();
    if (isOver(job)) {
      job.finishedAt = time.now();
      job.onCancel = null;
      pipelines.goOn(job);
      retryByUser(job);
    }
    if (toldStatuses.includes(status)) onHook(job, status);
    if (status === 'pending') queue.noticePending(job);
  }

  function makePending(job: SimulatedJob): void {
    change(job, 'pending');
    time.after(stuckPendingMilliseconds, () => {
      if (job.status !== 'pending') return;
      onStuck(job);
      change(job, 'failed');
    });
  }

  /** GitLab gives a candidate to no runner now, or its checks say that it may not run at all. */
  function passOver(job: SimulatedJob, how: 'locked' | 'dropped'): void {
    options.onPassedOver(job);
    if (how === 'dropped') change(job, 'failed', 'runner_unsupported');
  }

  function create(plan: PlannedJob, retryOf: SimulatedJob | null = null): SimulatedJob {
    lastJobId += 1;
    const job = newJob(lastJobId, plan, retryOf);
    jobs.set(job.id, job);
    onHook(job, 'created');
    return job;
  }

  const pendingJobs = (projectId: number) =>
    answer(() => {
      const at = shownAt();
      const pending = [...jobs.values()].filter((job) => job.plan.projectId === projectId && wasPending(job, at));
      return pending.map((job) => ({
        id: job.id,
        status: 'pending',
        tags: job.plan.tags,
        runnerId: null,
        systemId: null,
        name: job.plan.name,
        ...refAndStage,
        pipelineId: pipelineOf(job),
        createdAt: new Date(time.now()).toISOString(),
      }));
    });

  /** A new job in the place of one that is over, which nothing keeps from its runner but its resource group. */
  function retry(job: SimulatedJob, retryOf: SimulatedJob | null): SimulatedJob {
    const { after: _, held: __, retriedAfterSeconds: ___, ...plan } = job.plan;
    const now = job.plan.createdAt;
    const next = create({ ...plan, createdAt: now, pendingAt: now, canceledAt: null, retried: false }, retryOf);
    job.retriedAs = next;
    time.after(500, () => pipelines.begin(next));
    return next;
  }

  /** A user who sees that a job failed, or that the wrong one was canceled. */
  function retryByUser(job: SimulatedJob): void {
    const seconds = job.plan.retriedAfterSeconds;
    if (seconds === undefined || (job.status !== 'failed' && job.status !== 'canceled')) return;
    time.after(seconds * 1_000, () => {
      if (!job.retriedAs) retry(job, null);
    });
  }

  function handOut(runner: SimulatedRunner, systemId: string | null): SimulatedJob | 'nothing' | 'conflict' {
    const job = queue.choose(runner);
    if (typeof job !== 'object') return job;
    job.runnerId = runner.id;
    job.systemId = systemId;
    change(job, 'running');
    time.after(job.plan.durationSeconds * 1_000 + silentRunningMilliseconds, () => {
      if (job.status === 'running') change(job, 'failed', 'no_updates_running');
      if (job.status === 'canceling') change(job, 'canceled');
    });
    return job;
  }

  /** What is changed by the API or by hand, which an open long poll of the runner hears of. */
  function setPaused(runner: SimulatedRunner, paused: boolean): void {
    runner.paused = paused;
    queue.refresh(runner.id);
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
    begin: pipelines.begin,
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

    /** What a runner gets that asks for a job. `seen`: what it was told of its queue last. */
    async request({ token, systemId = null, seen = null }: JobRequest): Promise<JobAnswer> {
      if (access.isDown()) return { got: 'down', seen };
      const runner = [...runners.values()].find((one) => one.token === token);
      if (!runner) return { got: 'refused', seen };
      if (systemId !== null) runner.managers?.add(systemId);
      if (!(await queue.hasNews(runner.id, seen))) return { got: 'nothing', seen };
      const value = queue.value(runner.id);
      const got = handOut(runner, systemId);
      return got === 'conflict' ? { got: 'nothing', seen } : { got, seen: value };
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
    /** A user makes a runner. */
    bring({ tags, runUntagged, projectIds, description }: UsersRunner): SimulatedRunner {
      const id = firstOfUsers + [...runners.keys()].filter((known) => known >= firstOfUsers).length;
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
          const isLate = job.status === 'pending' && !wasPending(job, shownAt());
          return {
            id: job.id,
            status: isLate ? 'created' : job.status,
            tags: job.plan.tags,
            runnerId: job.runnerId,
            systemId: job.systemId,
            name: job.plan.name,
            ...refAndStage,
            pipelineId: pipelineOf(job),
            projectPath: pathOf(job.plan.projectId),
          };
        }),
      isProtectedRef: (_projectId: number, _ref: string) => answer(() => false),
      readJobEnd: (projectId: number, jobId: number) =>
        answer(() => {
          const job = jobs.get(jobId);
          if (job?.plan.projectId !== projectId) return null;
          const finishedAt = job.finishedAt === null ? null : new Date(job.finishedAt).toISOString();
          const { status, runnerId, failureReason } = job;
          return { status, runnerId, jobName: job.plan.name, pipelineId: pipelineOf(job), failureReason, finishedAt };
        }),
      cancelJob: (_projectId: number, jobId: number) =>
        answer(() => {
          const job = jobs.get(jobId);
          if (job && !isOver(job)) {
            onCancelByUs(job);
            change(job, 'canceled');
          }
          return job?.status ?? 'canceled';
        }),
      retryJob: (_projectId: number, jobId: number) =>
        answer(() => {
          const job = jobs.get(jobId);
          if (!job || !isOver(job) || job.status === 'skipped' || job.retriedAs) return null;
          const next = retry(job, job);
          onRetry(next);
          return next.id;
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
              if (fault.kind === 'runner-paused') setPaused(made, true);
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
          if (runner) setPaused(runner, true);
          return runner !== undefined;
        }),
      unpauseRunner: (runnerId: number) =>
        answer(() => {
          const runner = runners.get(runnerId);
          if (runner) setPaused(runner, false);
          return runner !== undefined;
        }),
      jobsOf: (runnerId: number) =>
        answer(() => {
          if (!runners.has(runnerId)) return [];
          const its = [...jobs.values()].filter((job) => job.runnerId === runnerId);
          return its.map(({ plan, id, status }) => ({ projectId: plan.projectId, jobId: id, status })).reverse();
        }),
      pendingJobs,
      allPendingJobs: pendingJobs,
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

  /** GitLab answers from a replica, which now and then stands still, and shows what was before. */
  function shownAt(): number {
    const lag = faults.now('gitlab-lagging');
    return lag ? startedAt + lag.from * 1_000 - 1 : time.now();
  }

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

function wasPending({ pendingAt, leftQueueAt }: SimulatedJob, at: number): boolean {
  return pendingAt !== null && pendingAt <= at && (leftQueueAt === null || leftQueueAt > at);
}
