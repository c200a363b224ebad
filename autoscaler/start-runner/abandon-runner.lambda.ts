import type * as z from 'zod/mini';
import type { GitLab } from '../../infrastructure/lib/gitlab.client.ts';
import type { JobEvent } from '../../infrastructure/lib/job-event.ts';
import { jobKeyOf } from '../../infrastructure/lib/job-key.ts';
import { type LambdaContext, lambdaHandler, readEnvironment } from '../../infrastructure/lib/lambda-handler.client.ts';
import { attemptsEnvironment } from '../environment.ts';
import { createGitLabFromEnvironment } from '../live-gitlab.client.ts';
import { createTables } from '../live-tables.client.ts';
import { createLongLivedRunners } from '../long-lived-runners.client.ts';
import { drainHost, type ManagedHosts } from '../runners/drain-host.ts';
import { endRunner, hasGoneOn, nextWaiting, recordFailure } from '../runners/end-runner.ts';
import { forsakenBy } from '../runners/forsaken-jobs.ts';
import { hopelessErrors } from '../runners/hopeless-errors.ts';
import { noteTakenJob } from '../runners/job-state.ts';
import { type LongLivedRunners, profilesManagerOf } from '../runners/long-lived-runner.ts';
import { attemptsUsed, type RunnerItem, type RunnerState } from '../runners/runner-item.ts';
import { RunnerStateChangedError, type RunnersStore, whenItWentOn } from '../runners/runners-store.ts';
import { type UnwantedRunner, unwantedRunnerOf } from '../stop-runner/runner-unwanted.ts';
import type { Instances } from './ec2/fleet.ts';
import { createInstanceStates } from './ec2/instance-states.client.ts';
import { createInstances } from './ec2/instances.client.ts';
import { readFailureCause } from './failure-cause.ts';
import { abandonRunnerInput, functionFailed } from './start-runner-input.ts';

export type AbandonRunnerPorts = {
  readonly gitlab: Pick<GitLab, 'removeRunner' | 'pauseRunner' | 'jobsOf'>;
  readonly instances: Pick<Instances, 'terminate'>;
  /** Where a profile brings a long-lived runner. */
  readonly longLived?: ManagedHosts & Pick<LongLivedRunners, 'remove'>;
  readonly store: RunnersStore;
  readonly maxAttempts: number;
  readonly now: () => number;
  readonly random: () => number;
};

/** What the workflow does next: ask for the job's runner again after a while, and let jobs start that waited for its place. */
export type Abandoned = {
  readonly retry: JobEvent | null;
  readonly retryAfterSeconds: number;
  readonly next: readonly JobEvent[];
  /** A runner that has a job and no host any more: it is to end with its job. */
  readonly unwanted: UnwantedRunner | null;
};

/** States in which an attempt has begun and its runner has no job that we know of. */
const abandonable: readonly RunnerState[] = ['ADMITTED', 'REGISTERED', 'LAUNCHED'];

/** The workflow waits this long at most: it lives for four minutes, its retries included. */
const longestRetryAfterSeconds = 60;

/**
 * Undoes what an attempt has done (GitLab runner, ticket, places under caps, instance) and marks the job's item FAILED, which comes first.
 * Nothing happens to an attempt that meanwhile got its job, ended, or was followed by another one.
 */
export async function abandonRunner(
  input: z.infer<typeof abandonRunnerInput>,
  ports: AbandonRunnerPorts,
  { log, ...context }: LambdaContext,
): Promise<Abandoned> {
  const job = jobKeyOf(input);
  const nothing: Abandoned = { retry: null, retryAfterSeconds: 0, next: [], unwanted: null };
  const failure = `${input.error}: ${readFailureCause(input.cause)}`.slice(0, 1_000);
  if (input.attempt === null && input.event) {
    const failed = await recordFailure(ports.store, input.event, failure, {
      now: ports.now(),
      maxAttempts: ports.maxAttempts,
    });
    if (!failed) return nothing;
    const again = retryOf(failed, input.event, input.error, ports);
    reportFailure('no runner was started for the job', input, failed, again.retry, log);
    return { ...nothing, ...again };
  }
  const item = await ports.store.read(job);
  if (!item || input.attempt !== item.attempt) return nothing;
  if (item.state !== 'FAILED') {
    try {
      const ended = abandonable.includes(item.state) && (await endUnlessBusy(item, failure, ports));
      if (!ended) {
        const unwanted = unwantedOf(item, input);
        log.info('nothing to abandon: the runner has a job or may yet take one, or ended', {
          state: item.state,
          unwanted,
        });
        return { ...nothing, unwanted };
      }
    } catch (error) {
      // Only what went on is worth another look: a write that is refused for good (a counter that somebody cleared) stays refused.
      if (!(error instanceof RunnerStateChangedError) || !hasGoneOn(item, await ports.store.read(job))) throw error;
      return abandonRunner(input, ports, { log, ...context });
    }
    reportFailure('runner abandoned', input, item, retryOf(item, item.event, input.error, ports).retry, log);
  }
  // From here on everything may be done again: an answer that was lost is given once more.
  if (item.runnerId !== undefined) await ports.gitlab.removeRunner(item.runnerId);
  if (item.instanceId !== undefined) {
    await ports.instances.terminate([item.instanceId]);
    log.info('instance terminated', { instanceId: item.instanceId });
  }
  const manager = profilesManagerOf(item);
  if (manager) await ports.longLived?.remove(manager);
  const next = [...(await nextWaiting(ports.store, item)), ...(await whoCountedOn(item, ports.store))];
  return { ...nothing, ...retryOf(item, item.event, input.error, ports), next };
}

/** While its own job ran elsewhere, another one may have counted on this runner. */
async function whoCountedOn(item: RunnerItem, store: RunnersStore): Promise<readonly JobEvent[]> {
  if (item.jobState === 'PENDING') return [];
  const ask = forsakenBy({ ...item, state: 'FAILED' }, await store.readLive())?.ask;
  return ask && jobKeyOf(ask) !== item.pk ? [ask] : [];
}

/** A function that failed does not work on its job any more, whatever GitLab says: nobody else will end that job. */
function unwantedOf(item: RunnerItem, { error }: z.infer<typeof abandonRunnerInput>): UnwantedRunner | null {
  if (error !== functionFailed || !['REGISTERED', 'LAUNCHED', 'RUNNING'].includes(item.state)) return null;
  return unwantedRunnerOf(item, 'its function failed', true);
}

/**
 * False when the attempt got a job, or may yet get one: then nothing is undone here. Whether its runner ends all the same, together with
 * its job, {@link unwantedOf} says.
 */
async function endUnlessBusy(item: RunnerItem, failure: string, ports: AbandonRunnerPorts): Promise<boolean> {
  const outcome = await drainHost(
    item,
    // Only from the state that was looked at: a host that comes just now has a token of which this end knows nothing.
    (_had, ...also) => endRunner(ports, item, { from: [item.state], state: 'FAILED', failure, also }),
    ports,
  );
  if (outcome.kind === 'busy' && item.state !== 'ADMITTED') {
    await noteTakenJob(ports.store, item, outcome.takenJob).catch(whenItWentOn);
  }
  return outcome.kind === 'ended';
}

function reportFailure(
  message: string,
  { error, cause }: z.infer<typeof abandonRunnerInput>,
  { attempt }: RunnerItem,
  retry: JobEvent | null,
  log: LambdaContext['log'],
): void {
  const counted = {
    AttemptsFailed: 1,
    ...(retry ? {} : { JobsGivenUp: 1 }),
    ...(error === 'MappingNotAllowedError' ? { MappingsRefused: 1 } : {}),
  };
  log.count(counted, message, { attempt, error, cause: readFailureCause(cause), retried: retry !== null });
}

function retryOf(item: RunnerItem, event: JobEvent, error: string, { maxAttempts, random }: AbandonRunnerPorts) {
  const used = attemptsUsed(item);
  const retry = used < maxAttempts && !hopelessErrors.includes(error) ? event : null;
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
    maxAttempts: readEnvironment(attemptsEnvironment).MAX_ATTEMPTS,
    random: Math.random,
  }),
  work: abandonRunner,
});
