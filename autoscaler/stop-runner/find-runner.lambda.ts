import type { GitLab } from '../../infrastructure/gitlab/gitlab.client.ts';
import { isOver, type NamedJob } from '../../infrastructure/gitlab/gitlab-listings.ts';
import { type JobEvent, jobEventSchema } from '../../infrastructure/kit/job-event.ts';
import { type JobKey, jobKeyOf } from '../../infrastructure/kit/job-key.ts';
import {
  type LambdaContext,
  lambdaHandler,
  readEnvironment,
} from '../../infrastructure/kit/lambda/lambda-handler.client.ts';
import type { Log } from '../../infrastructure/kit/lambda/log.ts';
import { mayConcern, notProvedFor } from '../../infrastructure/kit/webhook-scope.ts';
import { isAlike } from '../demand/kind.ts';
import { planStops, type SeenRunners } from '../demand/plan-stops.ts';
import { toldByGitLab } from '../demand/told-by-gitlab.ts';
import { leaveQueue, recordTombstone } from '../end-runner/end-runner.ts';
import { interruptionReasons } from '../end-runner/judge-job.ts';
import { type InterruptedRunner, interruptedRunnerOf } from '../end-runner/mend-job-input.ts';
import { type RunnerToStop, runnerToStopOf } from '../end-runner/stop-runner-input.ts';
import { eventBusEnvironment } from '../environment/environment.ts';
import { createEventBus } from '../events/event-bus.client.ts';
import type { EventBus } from '../events/event-bus.ts';
import { tellGate } from '../gate/tell-gate.ts';
import { createGitLabForManagers, createGitLabFromEnvironment } from '../gitlab/live-gitlab.client.ts';
import { type FindHostPorts, findHost } from '../runner-store/find-host.ts';
import { noteJobState, noteTakenJob } from '../runner-store/job-state.ts';
import { readAround } from '../runner-store/live-pool.ts';
import { createTables } from '../runner-store/live-tables.client.ts';
import { misplacementOf, noteMisplaced, placeOf } from '../runner-store/misplaced.ts';
import { JobNotOverError } from '../runner-store/runner-errors.ts';
import type { RunnerItem } from '../runner-store/runner-item.ts';
import { expiryOf } from '../runner-store/runner-item.ts';
import { RunnerStateChangedError, type RunnersStore } from '../runner-store/runners-store.ts';

export type FindRunnerPorts = FindHostPorts & {
  readonly store: RunnersStore;
  /** Asked whether the job is over, and on which runner it ran. */
  readonly jobs: Pick<GitLab, 'readJob'>;
  readonly bus: EventBus;
  readonly now: () => number;
};

type FoundRunners = {
  readonly runners: readonly RunnerToStop[];
  /** What MendJob takes; null when neither an interruption nor a wrong runner ended the job. */
  readonly mend: InterruptedRunner | null;
};

/**
 * Finds the runners that end because a job is over: by the job and by the runner that GitLab names, both in our own
 * table. GitLab is asked for both, since whoever writes a hook's template can have it name any job and runner. When EC2
 * had announced to take back the instance of the one that had the job, it says so while that can still be told.
 *
 * @throws {JobNotOverError} when GitLab says that the job is not over.
 */
export async function findRunner(
  hook: JobEvent,
  ports: FindRunnerPorts,
  context: LambdaContext,
): Promise<FoundRunners> {
  const { log } = context;
  const job = jobKeyOf(hook);
  const [hooksHost, before] = await Promise.all([findHost(hook, ports), ports.store.read(job)]);
  if (!before && !hooksHost && hook.runnerId !== null) {
    log.info('the job had no runner of ours', { status: hook.status });
    await tellGate(hook, [], ports);
    return { runners: [], mend: null };
  }
  const seen = await confirmEnd(hook, ports);
  if (seen && !mayConcern(hook, seen.projectPath)) {
    log.info(notProvedFor(hook));
    return { runners: [], mend: null };
  }
  const event = seen ? endToldBy(hook, seen) : hook;
  const host = await hostOf(event, hooksHost, seen, ports);
  const isKnownToHaveRun = (before !== null && before.jobState !== 'PENDING') || host?.takenJob === job;
  const named = host && (await bindLate(host, job, ports.store));
  const own = await noteJobState(ports.store, job, 'FINISHED', expiryOf(ports.now()));
  const byRunner = named?.pk === job ? own : named;
  if (own?.state === 'WAITING') {
    try {
      await leaveQueue(ports, own);
      log.info('the job ended while it waited for a place');
    } catch (error) {
      // It got a place, or left, at this very moment: look again.
      if (error instanceof RunnerStateChangedError) return findRunner(hook, ports, context);
      throw error;
    }
  }
  if (!isKnownToHaveRun) await tellGate(event, [own, byRunner], ports);
  // Nobody waits more or less than before: its `running` event was answered, and its runner was as good as its own.
  const wasBound = before?.jobState === 'RUNNING' && byRunner?.takenJob === job;
  const wasServedAlike = own !== null && wasBound && isAlike(own, byRunner);
  const live = wasServedAlike ? [] : await readAround(ports.store, event.projectId, own, byRunner ?? null);
  const stops = planStops(event, { own, byRunner, live, wasServedAlike });
  // Its own start may still be under way, or failing: it was canceled in time, or served by a runner that was made for
  // another job.
  if (!own && isEnd(seen)) await recordTombstone(ports.store, event, ports.now());
  log.info('runners to stop', {
    status: event.status,
    stops: stops.map(({ item, reason }) => ({ runnerOf: item.pk, reason })),
  });
  return {
    runners: stops.map(({ item, reason }) =>
      runnerToStopOf(item, { reason, ...(seen && hadItsOneJob(item, job, seen) ? { hadItsJob: true } : {}) }),
    ),
    mend: await findWhatToMend(event, { own, byRunner, live }, ports.store, log),
  };
}

/** What ended the job, if not its own doing: an interruption, or a runner of another profile than its mapping names. */
async function findWhatToMend(
  event: JobEvent,
  seen: SeenRunners,
  store: RunnersStore,
  log: Log,
): Promise<InterruptedRunner | null> {
  const job = jobKeyOf(event);
  const host = [seen.byRunner, ...seen.live].find((item) => item?.takenJob === job);
  const place = placeOf(seen.own);
  const misplaced = host && (host.misplaced ?? (place && misplacementOf(host, job, place)));
  // Its `running` event is still to come, or was lost.
  if (misplaced && !host.misplaced) await noteMisplaced(store, host, misplaced, log);
  const interruption = mayBeInterrupted(event) ? await findInterruption(job, seen, store) : null;
  if (event.status !== 'failed' || !host || !misplaced?.profile) return interruption;
  const misplacedFrom = misplaced.profile;
  return { ...(interruption ?? interruptedRunnerOf(host, { hostGone: false })), misplacedFrom };
}

/** As far as the event tells: somebody who did not know the reason may have told of the end. */
function mayBeInterrupted({ status, failureReason }: JobEvent): boolean {
  return status === 'failed' && (failureReason === null || interruptionReasons.some((one) => one === failureReason));
}

/**
 * The runner that had the job, if EC2 had announced to take back its instance. GitLab may name one of which we never
 * heard that it had a job.
 */
async function findInterruption(
  job: JobKey,
  { own, byRunner, live }: SeenRunners,
  store: RunnersStore,
): Promise<InterruptedRunner | null> {
  const known = [byRunner, own, ...live].find((item) => item?.takenJob === job);
  const had = known ?? (byRunner?.takenJob === undefined ? byRunner : null);
  // The warning may have come since it was read.
  const item = had ? await store.read(had.pk) : null;
  if (!item || item.attempt !== had?.attempt || item.interruptedAt === undefined) return null;
  return interruptedRunnerOf(item, { hostGone: false, takenJob: job });
}

/**
 * The job as GitLab tells it; null when it does not exist (any more). A hook's word alone would take a waiting job's
 * runner away, and all others that it may ask for. From a job that is said to be over there is no way back.
 */
async function confirmEnd({ projectId, jobId, status }: JobEvent, { jobs }: FindRunnerPorts): Promise<NamedJob | null> {
  const job = await jobs.readJob(projectId, jobId);
  if (job && !isOver(job.status)) {
    throw new JobNotOverError(`job ${jobId} is "${job.status}" in GitLab although its hook said ${status}`);
  }
  return job;
}

/**
 * Whether a job can never wait again. What GitLab does not know may be a job of tomorrow, whose number somebody
 * guessed; and who was skipped runs after all when a job before it is retried.
 */
function isEnd(seen: NamedJob | null): boolean {
  return seen !== null && seen.status !== 'skipped';
}

/** Why it failed is asked about before anything follows from it. */
function endToldBy(hook: JobEvent, seen: NamedJob): JobEvent {
  const { status, runnerId } = seen;
  return { ...toldByGitLab(hook, seen), status, runnerId, failureReason: hook.failureReason };
}

/**
 * The item of the runner that had the job, by GitLab's word. Where that names none any more, our own table's word is
 * enough: that the runner took the job, or was made for it.
 */
async function hostOf(
  event: JobEvent,
  hooksHost: RunnerItem | null,
  seen: NamedJob | null,
  ports: FindRunnerPorts,
): Promise<RunnerItem | null> {
  const job = jobKeyOf(event);
  const isOwn = hooksHost?.pk === job && (hooksHost.takenJob ?? job) === job;
  if (hooksHost?.takenJob === job || (isOwn && (seen?.runnerId ?? null) === null)) return hooksHost;
  return seen ? findHost(event, ports) : null;
}

/** A runner with one host takes one job, and GitLab says that this was it. */
function hadItsOneJob(item: RunnerItem, job: JobKey, seen: NamedJob): boolean {
  const isRunner = item.runnerId !== undefined && item.runnerId === seen.runnerId && item.managerOf === undefined;
  return isRunner && item.takenJob === job;
}

/**
 * The runner that GitLab names, which is bound now when the job was so short that its `running` event has not come yet.
 */
async function bindLate(runner: RunnerItem, job: JobKey, store: RunnersStore): Promise<RunnerItem | null> {
  if (runner.takenJob) return runner;
  try {
    await noteTakenJob(store, runner, job);
  } catch (error) {
    if (!(error instanceof RunnerStateChangedError)) throw error;
  }
  return store.read(runner.pk);
}

export const handler = lambdaHandler({
  input: jobEventSchema,
  logFields: ({ projectId, jobId }) => ({ projectId, jobId }),
  ports: () => ({
    ...createTables(),
    jobs: createGitLabFromEnvironment(),
    gitlab: createGitLabForManagers(),
    bus: createEventBus(readEnvironment(eventBusEnvironment).EVENT_BUS_ARN),
  }),
  work: findRunner,
});
