import type * as z from 'zod/mini';
import type { GitLab } from '../../infrastructure/gitlab/gitlab.client.ts';
import type { JobEvent } from '../../infrastructure/kit/job-event.ts';
import { jobKeyOf } from '../../infrastructure/kit/job-key.ts';
import {
  type LambdaContext,
  lambdaHandler,
  readEnvironment,
} from '../../infrastructure/kit/lambda/lambda-handler.client.ts';
import type { Log } from '../../infrastructure/kit/lambda/log.ts';
import { forsakenBy } from '../demand/forsaken-jobs.ts';
import type { LongLivedRunners } from '../demand/long-lived-runner.ts';
import { nextWaiting } from '../demand/next-waiting.ts';
import { firstForRegistration } from '../demand/registration.ts';
import { looksOfWorkflow, nextWait } from '../demand/waits.ts';
import { drainHost, type ManagedHosts } from '../end-runner/drain-host.ts';
import { type AttemptEnd, endRunner, hasGoneOn, recordWait } from '../end-runner/end-runner.ts';
import { judgeAttempt } from '../end-runner/whose-fault.ts';
import { attemptsEnvironment, eventBusEnvironment } from '../environment/environment.ts';
import { createEventBus } from '../events/event-bus.client.ts';
import type { EventBus } from '../events/event-bus.ts';
import { type UnwantedRunner, unwantedRunnerOf } from '../events/runner-unwanted.ts';
import { tellGate } from '../gate/tell-gate.ts';
import { createGitLabFromEnvironment } from '../gitlab/live-gitlab.client.ts';
import { createLongLivedRunners } from '../gitlab/long-lived-runners.client.ts';
import { isHeld, notItsTurn, waitsForTurn } from '../runner-store/held.ts';
import { noteTakenJob } from '../runner-store/job-state.ts';
import { readAround } from '../runner-store/live-pool.ts';
import { createTables } from '../runner-store/live-tables.client.ts';
import { type OutageMark, outageErrors } from '../runner-store/outage-mark.ts';
import { functionCutOff, functionFailed } from '../runner-store/runner-errors.ts';
import { attemptsUsed, type RunnerItem, type RunnerState } from '../runner-store/runner-item.ts';
import { profilesManagerOf } from '../runner-store/runner-manager.ts';
import { RunnerStateChangedError, type RunnersStore, whenItWentOn } from '../runner-store/runners-store.ts';
import type { Instances } from '../runner-types/ec2/fleet.ts';
import { createInstanceStates } from '../runner-types/ec2/instance-states.client.ts';
import { createInstances } from '../runner-types/ec2/instances.client.ts';
import { isErrorOfOtherType } from '../runner-types/runner-types.ts';
import { readFailureCause } from './failure-cause.ts';
import { abandonRunnerInput } from './start-runner-input.ts';

export type AbandonRunnerPorts = {
  readonly gitlab: Pick<GitLab, 'removeRunner' | 'pauseRunner' | 'jobsOf'>;
  readonly instances: Pick<Instances, 'terminate'>;
  /** Where a profile brings a long-lived runner. */
  readonly longLived?: ManagedHosts & Pick<LongLivedRunners, 'remove'>;
  readonly store: RunnersStore;
  readonly outages: OutageMark;
  readonly bus: EventBus;
  readonly maxAttempts: number;
  readonly now: () => number;
  readonly random: () => number;
};

/**
 * What the workflow does next: ask for the job's runner again after a while, and let jobs start that waited for its
 * place.
 */
export type Abandoned = {
  readonly retry: JobEvent | null;
  readonly retryAfterSeconds: number;
  readonly next: readonly JobEvent[];
  /** A runner that has a job and no host any more: it is to end with its job. */
  readonly unwanted: UnwantedRunner | null;
  /**
   * The error when the attempt failed, with which the workflow then fails too; null when its job merely waits, or
   * nothing was to be done.
   */
  readonly failure: { readonly error: string; readonly cause: string } | null;
};

/** States in which an attempt has begun and its runner has no job that we know of. */
const abandonable: readonly RunnerState[] = ['ADMITTED', 'REGISTERED', 'LAUNCHED'];

/** The workflow waits this long at most: it lives for four minutes, its retries included. */
const longestRetryAfterSeconds = 60;

/**
 * Undoes what an attempt has done (GitLab runner, ticket, places under caps, instance) and marks the job's item first:
 * FAILED when a runner was started and failed, WAITING when it never came to that. Nothing happens to an attempt that
 * meanwhile got its job, ended, or was followed by another one.
 */
export async function abandonRunner(
  input: z.infer<typeof abandonRunnerInput>,
  ports: AbandonRunnerPorts,
  { log, ...context }: LambdaContext,
): Promise<Abandoned> {
  const nothing: Abandoned = { retry: null, retryAfterSeconds: 0, next: [], unwanted: null, failure: null };
  const failure = { error: input.error, message: readFailureCause(input.cause) };
  if (outageErrors.includes(input.error)) await noteOutage(ports, log);
  if (input.attempt === null)
    return input.event ? { ...nothing, ...(await wait(input.event, failure, ports, log)) } : nothing;

  const job = jobKeyOf(input);
  const item = await ports.store.read(job);
  if (!item || input.attempt !== item.attempt) return nothing;
  // Who has a function's credentials can tell such things: then of functions alone.
  if (isErrorOfOtherType(input.error, item)) {
    log.warn('nothing to abandon: a runner of its type does not end so', { error: input.error, type: item.type });
    return nothing;
  }
  // It was let go since somebody wanted its place.
  if (input.error === notItsTurn && !isHeld(item) && !isAbandoned(item)) return nothing;
  if (!isAbandoned(item)) {
    const end = await endOf(item, failure, ports);
    try {
      const ended = abandonable.includes(item.state) && (await endUnlessBusy(item, end, ports));
      if (!ended) {
        const unwanted = unwantedOf(item, input);
        log.info('nothing to abandon: the runner has a job or may yet take one, or ended', {
          state: item.state,
          unwanted,
        });
        return { ...nothing, unwanted };
      }
    } catch (error) {
      if (!(error instanceof RunnerStateChangedError)) await noteOver(item, failure, ports.store, log);
      // Only what went on is worth another look: a write that is refused for good (a counter that somebody cleared)
      // stays refused.
      if (!(error instanceof RunnerStateChangedError) || !hasGoneOn(item, await ports.store.read(job))) throw error;
      return abandonRunner(input, ports, { log, ...context });
    }
    report(item, end, failure, ports, log);
  }
  // From here on everything may be done again: an answer that was lost is given once more.
  if (item.runnerId !== undefined) await ports.gitlab.removeRunner(item.runnerId);
  if (item.instanceId !== undefined) {
    await ports.instances.terminate([item.instanceId]);
    log.info('instance terminated', { instanceId: item.instanceId });
  }
  const manager = profilesManagerOf(item);
  if (manager) await ports.longLived?.remove(manager);
  const current = await ports.store.read(job);
  if (!current || current.attempt !== item.attempt) return nothing;
  const next = [
    ...(await nextWaiting(ports, item)),
    ...(await whoCountedOn(item, ports.store)),
    ...(input.error === notItsTurn ? await whoWaitsForRegistration(item, ports.store) : []),
  ];
  await tellGate(item.event, [item], ports);
  const failed = current.state === 'FAILED' ? { error: input.error, cause: failure.message } : null;
  return { ...nothing, ...retryOf(current, current.event, ports), next, failure: failed };
}

/** Nothing was begun: a job without a runner waits from now on, or goes on waiting. */
async function wait(event: JobEvent, failure: Failure, ports: AbandonRunnerPorts, log: LambdaContext['log']) {
  const { store, maxAttempts, random } = ports;
  const now = ports.now();
  const waitFor = (item: RunnerItem | null) => nextWait(item, failure, { now, random: random(), registered: false });
  const item = await recordWait(store, event, waitFor, { now, maxAttempts });
  if (!item) return {};
  reportWait(item, failure, log);
  return retryOf(item, event, ports);
}

type Failure = { readonly error: string; readonly message: string };

/** Its answer was lost, or GitLab, EC2 or the like failed in the middle of it. */
function isAbandoned({ state, attemptBegun = false }: RunnerItem): boolean {
  return state === 'FAILED' || (state === 'WAITING' && attemptBegun);
}

async function endOf(item: RunnerItem, failure: Failure, { outages, now, random }: AbandonRunnerPorts) {
  const lastOutage = item.launchedAt === undefined ? null : await outages.lastSeen();
  return judgeAttempt(item, failure, { now: now(), random: random(), lastOutage });
}

/** Nobody tells of it again: without the note the attempt would look alive until its deadline. */
async function noteOver({ pk: job, state, attempt }: RunnerItem, overBecause: Failure, store: RunnersStore, log: Log) {
  await store
    .write({ kind: 'update', job, from: [state], attempt, set: { overBecause } })
    .catch((error: unknown) => log.warn('that the attempt is over could not be noted', { error }));
}

/**
 * Without the note a host that GitLab's absence keeps from its job may count as a failed attempt: no reason to fail
 * here as well.
 */
async function noteOutage({ outages, now }: AbandonRunnerPorts, log: LambdaContext['log']): Promise<void> {
  await outages.note(now()).catch((error: unknown) => log.warn('the outage of GitLab could not be noted', { error }));
}

/** While its own job ran elsewhere, another one may have counted on this runner. */
async function whoCountedOn(item: RunnerItem, store: RunnersStore): Promise<readonly JobEvent[]> {
  if (item.jobState === 'PENDING') return [];
  const ask = forsakenBy({ ...item, state: 'FAILED' }, await readAround(store, item.event.projectId, item))?.ask;
  return ask && jobKeyOf(ask) !== item.pk ? [ask] : [];
}

/** The runner of a later job gave way in GitLab too: nobody else tells the job that waits for that. */
async function whoWaitsForRegistration({ event, runnerId }: RunnerItem, store: RunnersStore) {
  const first = runnerId === undefined ? null : firstForRegistration(await readAround(store, event.projectId));
  return first ? [first.event] : [];
}

/** A function that failed does not work on its job any more, whatever GitLab says: nobody else will end that job. */
function unwantedOf(item: RunnerItem, { error }: z.infer<typeof abandonRunnerInput>): UnwantedRunner | null {
  if (![functionFailed, functionCutOff].includes(error) || !['REGISTERED', 'LAUNCHED', 'RUNNING'].includes(item.state))
    return null;
  return unwantedRunnerOf(item, 'its function failed', true);
}

/**
 * False when the attempt got a job, or may yet get one: then nothing is undone here. Whether its runner ends all the
 * same, together with its job, {@link unwantedOf} says.
 */
async function endUnlessBusy(item: RunnerItem, end: AttemptEnd, ports: AbandonRunnerPorts): Promise<boolean> {
  const outcome = await drainHost(
    item,
    // Only from the state that was looked at: a host that comes just now has a token of which this end knows nothing.
    (_had, ...also) => endRunner(ports, item, { from: [item.state], end, also }),
    ports,
  );
  if (outcome.kind === 'busy' && item.state !== 'ADMITTED') {
    await noteTakenJob(ports.store, item, outcome.takenJob).catch(whenItWentOn);
  }
  return outcome.kind === 'ended';
}

function report(
  item: RunnerItem,
  end: AttemptEnd,
  failure: Failure,
  { maxAttempts }: AbandonRunnerPorts,
  log: Log,
): void {
  if (end.state === 'WAITING') {
    reportWait({ ...item, ...end }, failure, log);
    return;
  }
  const isLast = attemptsUsed(item) >= maxAttempts;
  const counted = { AttemptsFailed: 1, ...(isLast ? { JobsGivenUp: 1 } : {}) };
  const { error, message } = failure;
  log.count(counted, 'runner abandoned', { attempt: item.attempt, error, cause: message, retried: !isLast });
}

/** Nobody is told off: this is seen where waiting jobs are. */
function reportWait({ attempt, waitsFor }: RunnerItem, { error, message }: Failure, log: Log): void {
  const counted = { StartsDeferred: 1, ...(error === 'MappingNotAllowedError' ? { MappingsRefused: 1 } : {}) };
  log.measure(counted, 'the job waits: no runner could be started for it yet', {
    attempt,
    error,
    cause: message,
    waitsFor,
  });
}

/**
 * When and with what the workflow asks again; not for a job without attempts, nor for one that the reconciler looks at
 * from now on.
 */
function retryOf(item: RunnerItem, event: JobEvent, { maxAttempts, random, now }: AbandonRunnerPorts) {
  if (item.jobState === 'FINISHED') return {};
  // It is no delivery of GitLab's any more.
  const retry = { ...event, deliveryId: null };
  // The gate asks, when it is its turn.
  if (waitsForTurn(item)) return {};
  if (item.state === 'WAITING') {
    const { looks, lookAt } = item.waitsFor ?? { looks: 0, lookAt: item.admittedAt };
    const seconds = Math.ceil((Date.parse(lookAt) - now()) / 1_000);
    return looks <= looksOfWorkflow
      ? { retry, retryAfterSeconds: Math.min(Math.max(seconds, 1), longestRetryAfterSeconds) }
      : {};
  }
  const used = attemptsUsed(item);
  if (used >= maxAttempts) return {};
  const longestSeconds = Math.min(5 * 2 ** used, longestRetryAfterSeconds);
  return { retry, retryAfterSeconds: Math.ceil(longestSeconds * (0.5 + random() / 2)) };
}

export const handler = lambdaHandler({
  input: abandonRunnerInput,
  logFields: ({ projectId, jobId, attempt }) => ({ projectId, jobId, attempt }),
  ports: () => ({
    ...createTables(),
    instances: createInstances(),
    gitlab: createGitLabFromEnvironment(),
    longLived: { ...createLongLivedRunners(), ...createInstanceStates() },
    bus: createEventBus(readEnvironment(eventBusEnvironment).EVENT_BUS_ARN),
    maxAttempts: readEnvironment(attemptsEnvironment).MAX_ATTEMPTS,
    random: Math.random,
  }),
  work: abandonRunner,
});
