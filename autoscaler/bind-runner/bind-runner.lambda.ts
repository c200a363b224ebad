import type { NamedJob } from '../../infrastructure/gitlab/gitlab-listings.ts';
import { type JobEvent, jobEventSchema } from '../../infrastructure/kit/job-event.ts';
import type { JobEventType } from '../../infrastructure/kit/job-event-types.ts';
import { type JobKey, jobKeyOf } from '../../infrastructure/kit/job-key.ts';
import {
  type LambdaContext,
  lambdaHandler,
  readEnvironment,
} from '../../infrastructure/kit/lambda/lambda-handler.client.ts';
import type { Log } from '../../infrastructure/kit/lambda/log.ts';
import { mayConcern, notProvedFor } from '../../infrastructure/kit/webhook-scope.ts';
import { forsakenAt, forsakenBy } from '../demand/forsaken-jobs.ts';
import { isAlike } from '../demand/kind.ts';
import { eventBusEnvironment, routingEnvironment } from '../environment/environment.ts';
import { createEventBus } from '../events/event-bus.client.ts';
import type { EventBus } from '../events/event-bus.ts';
import { runnerUnwantedType, unwantedRunnerOf } from '../events/runner-unwanted.ts';
import { tellGate } from '../gate/tell-gate.ts';
import { createGitLabForManagers, createGitLabFromEnvironment } from '../gitlab/live-gitlab.client.ts';
import { createJobMappings } from '../job-mappings/job-mappings.client.ts';
import { type FindHostPorts, findHost } from '../runner-store/find-host.ts';
import { noteJobState, noteTakenJob } from '../runner-store/job-state.ts';
import { readAround } from '../runner-store/live-pool.ts';
import { createDocumentClient, createTables } from '../runner-store/live-tables.client.ts';
import { misplacementOf, noteMisplaced, placeOf } from '../runner-store/misplaced.ts';
import type { RunnerItem } from '../runner-store/runner-item.ts';
import { expiryOf, type Place } from '../runner-store/runner-item.ts';
import { RunnerStateChangedError, type RunnersStore } from '../runner-store/runners-store.ts';
import { unbindUntrue } from '../runner-store/unbind-untrue.ts';
import { findPlace } from './find-place.ts';

export type BindRunnerPorts = FindHostPorts & {
  readonly store: RunnersStore;
  readonly bus: EventBus;
  /** Where the mappings send a job of which our table does not say it. */
  readonly findPlace: (event: JobEvent, job: NamedJob, runner: RunnerItem) => Promise<Place | null>;
  /** Asked who has a job, unless the event can harm nobody but the runner that was made for it. */
  readonly jobs: { readJob(projectId: number, jobId: number): Promise<NamedJob | null> };
  readonly now: () => number;
};

/**
 * Writes down which job a runner really took: GitLab gives a job to any runner that fits. The job's own item learns
 * that the job runs. A job that has lost its runner so, and has no other to count on, gets another one; one that runs
 * where its mapping does not send it is noted. Late and repeated events change nothing.
 *
 * Whoever writes a hook's template can have it name any job and any runner. That a job has the runner that was made for
 * it is believed, where that can be and nobody else waits for it to be so; whatever else concerns a job or a runner of
 * ours is asked of GitLab. Whose word contradicts what was believed before undoes it.
 */
export async function bindRunner(event: JobEvent, ports: BindRunnerPorts, { log }: LambdaContext): Promise<void> {
  const job = jobKeyOf(event);
  // That it runs is only true together with who runs it.
  if (event.runnerId === null) return log.info('nothing to bind: the event names no runner');
  const named = await findHost(event, ports);
  const isBelieved = event.provedFor === undefined && (named ? mayBelieve(named, job) : !(await ports.store.read(job)));
  if (isBelieved) return bindTrue(event, { named, seen: null }, ports, log);
  const seen = await ports.jobs.readJob(event.projectId, event.jobId);
  if (!seen || seen.runnerId === null) {
    return log.info('nothing to bind: GitLab names no runner of the job', { status: seen?.status ?? null });
  }
  if (!mayConcern(event, seen.projectPath)) return log.info(`nothing to bind: ${notProvedFor(event)}`);
  const asSeen = { ...event, runnerId: seen.runnerId };
  const found = seen.runnerId === event.runnerId ? named : await findHost(asSeen, ports);
  const its = found && found.pk !== job ? await unbindUntrue(found, ports, log) : found;
  return bindTrue(asSeen, { named: its, seen }, ports, log);
}

/**
 * Whether a hook's word is enough for what it says: that the runner of an item has the job that it was made for. A
 * runner without a host has none, an ended one neither, and where others wait for their turn they would go by it.
 */
function mayBelieve(item: RunnerItem, job: JobKey): boolean {
  if (item.pk !== job) return false;
  if (item.takenJob !== undefined) return item.takenJob === job;
  return item.state === 'LAUNCHED' && !item.gated && !item.awaited && !item.unbound;
}

type TruePair = {
  /** The item of the runner that has the job, where it is ours. */
  readonly named: RunnerItem | null;
  /** The job in GitLab, where it was asked about. */
  readonly seen: NamedJob | null;
};

async function bindTrue(
  event: JobEvent,
  { named: item, seen }: TruePair,
  ports: BindRunnerPorts,
  log: Log,
): Promise<void> {
  const job = jobKeyOf(event);
  const noted = await noteJobState(ports.store, job, 'RUNNING', expiryOf(ports.now()));
  const own = noted && seen && item?.pk !== job ? await unbindUntrue(noted, ports, log) : noted;
  if (!item) {
    log.info('the job runs on a runner that is not ours', { runnerId: event.runnerId });
    return tellGate(event, [own], ports);
  }
  const pickedUpAt = likelyTime(event, item, ports.now());
  try {
    await noteTakenJob(ports.store, item, job, pickedUpAt);
    log.info('runner bound', {
      runnerId: event.runnerId,
      runnerOf: item.pk,
      type: item.type,
      secondsToPickUp: (Date.parse(pickedUpAt) - Date.parse(item.event.occurredAt)) / 1_000,
    });
  } catch (error) {
    if (!(error instanceof RunnerStateChangedError)) throw error;
    log.info('nothing to bind: the runner took its job before, or ended', { runnerOf: item.pk, state: item.state });
  }
  if (item.pk !== job && !(own && isSwap(item, own))) await settleForAnother(item.pk, own, { event, seen }, ports, log);
  await tellGate(event, [own, item], ports);
}

/** A clock may be off by minutes. */
const mostAheadMilliseconds = 10 * 60_000;

/**
 * When a runner got its job: what the hook says of it is taken as far as it can be, since from then on its time is
 * counted.
 */
function likelyTime({ occurredAt }: JobEvent, { launchedAt, registeredAt }: RunnerItem, now: number): string {
  const at = Date.parse(occurredAt);
  const earliest = Date.parse(launchedAt ?? registeredAt ?? occurredAt);
  return new Date(at > now + mostAheadMilliseconds ? now : Math.max(at, earliest)).toISOString();
}

/**
 * Whether a runner took a job of its own kind that has a runner itself: one job fewer waits, and one runner fewer is
 * idle.
 */
function isSwap(runner: RunnerItem, own: RunnerItem): boolean {
  const hasItsOwn = ['ADMITTED', 'REGISTERED', 'LAUNCHED', 'RUNNING'].includes(own.state);
  return hasItsOwn && own.jobState !== 'FINISHED' && isAlike(runner, own);
}

/** What follows when a runner took a job that it was not made for. */
async function settleForAnother(
  runnerOf: JobKey,
  own: RunnerItem | null,
  { event, seen }: { readonly event: JobEvent; readonly seen: NamedJob | null },
  ports: BindRunnerPorts,
  log: Log,
): Promise<void> {
  const job = jobKeyOf(event);
  const runner = await ports.store.read(runnerOf);
  if (runner?.takenJob !== job) return;
  await replaceRunner(runner, job, ports, log);
  if (runner.misplaced) return;
  const place = placeOf(own) ?? (seen && (await ports.findPlace(event, seen, runner)));
  const misplaced = place && misplacementOf(runner, job, place);
  if (misplaced) await noteMisplaced(ports.store, runner, misplaced, log);
}

/**
 * Asks for another runner for the job that counted on this one, its own or one that lost its runner before; or for one
 * that could not be helped as long as this one was idle. When another idle runner that would not do is in the way, that
 * one ends first, and whoever releases it asks.
 */
async function replaceRunner(runner: RunnerItem, takenJob: JobKey, { store, bus }: BindRunnerPorts, log: Log) {
  // The index of live items may still show it as it was.
  const around = await readAround(store, runner.event.projectId, runner);
  const others = around.filter((item) => item.pk !== runner.pk);
  const forsaken = forsakenAt(takenJob, [...others, runner]) ?? forsakenBy(runner, others);
  if (!forsaken) return;
  const { item, ask, inTheWay } = forsaken;
  log.info('a job has lost the runner that it counted on, and gets another one', { waiting: item.pk });
  if (ask) await bus.tell('Job Pending' satisfies JobEventType, ask);
  if (!inTheWay) return;
  const reason = `idle, and it cannot run ${item.pk}, whose runner took its own job`;
  await bus.tell(runnerUnwantedType, unwantedRunnerOf(inTheWay, reason));
}

export const handler = lambdaHandler({
  input: jobEventSchema,
  logFields: ({ projectId, jobId }) => ({ projectId, jobId }),
  ports: () => {
    const { MAPPINGS_TABLE, PROFILES, DEFAULT_RUNNER } = readEnvironment(routingEnvironment);
    const dynamodb = createDocumentClient();
    const places = {
      mappings: createJobMappings(dynamodb, MAPPINGS_TABLE, Date.now),
      offer: { profiles: PROFILES, defaultRunner: DEFAULT_RUNNER },
    };
    return {
      ...createTables(dynamodb),
      bus: createEventBus(readEnvironment(eventBusEnvironment).EVENT_BUS_ARN),
      gitlab: createGitLabForManagers(),
      jobs: createGitLabFromEnvironment(),
      findPlace: (event, job, runner) => findPlace(event, job, runner, places),
    };
  },
  work: bindRunner,
});
