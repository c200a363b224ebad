import { type JobEvent, jobEventSchema } from '../../infrastructure/lib/job-event.ts';
import type { JobEventType } from '../../infrastructure/lib/job-event-types.ts';
import { type JobKey, jobKeyOf } from '../../infrastructure/lib/job-key.ts';
import { type LambdaContext, lambdaHandler, readEnvironment } from '../../infrastructure/lib/lambda-handler.client.ts';
import type { Log } from '../../infrastructure/lib/log.ts';
import { forsakenAt, forsakenBy } from '../demand/forsaken-jobs.ts';
import { isAlike } from '../demand/kind.ts';
import { eventBusEnvironment } from '../environment.ts';
import { createEventBus } from '../event-bus.client.ts';
import type { EventBus } from '../event-bus.ts';
import { createGitLabForManagers } from '../live-gitlab.client.ts';
import { createTables } from '../live-tables.client.ts';
import { expiryOf } from '../runners/end-runner.ts';
import { type FindHostPorts, findHost } from '../runners/find-host.ts';
import { noteJobState, noteTakenJob } from '../runners/job-state.ts';
import { readAround } from '../runners/live-pool.ts';
import type { RunnerItem } from '../runners/runner-item.ts';
import { RunnerStateChangedError, type RunnersStore } from '../runners/runners-store.ts';
import { runnerUnwantedType, unwantedRunnerOf } from '../stop-runner/runner-unwanted.ts';

export type BindRunnerPorts = FindHostPorts & {
  readonly store: RunnersStore;
  readonly bus: EventBus;
  readonly now: () => number;
};

/**
 * Writes down which job a runner really took: GitLab gives a job to any runner that fits. The job's own item learns that the job runs. A job
 * that has lost its runner so, and has no other to count on, gets another one. Late and repeated events change nothing.
 */
export async function bindRunner(event: JobEvent, ports: BindRunnerPorts, { log }: LambdaContext): Promise<void> {
  const job = jobKeyOf(event);
  // That it runs is only true together with who runs it.
  if (event.runnerId === null) return log.info('nothing to bind: the event names no runner');
  const own = await noteJobState(ports.store, job, 'RUNNING', expiryOf(ports.now()));
  const item = await findHost(event, ports);
  if (!item) return log.info('the job runs on a runner that is not ours', { runnerId: event.runnerId });
  try {
    await noteTakenJob(ports.store, item, job, event.occurredAt);
    log.info('runner bound', {
      runnerId: event.runnerId,
      runnerOf: item.pk,
      type: item.type,
      secondsToPickUp: (Date.parse(event.occurredAt) - Date.parse(item.event.occurredAt)) / 1_000,
    });
  } catch (error) {
    if (!(error instanceof RunnerStateChangedError)) throw error;
    log.info('nothing to bind: the runner took its job before, or ended', { runnerOf: item.pk, state: item.state });
  }
  if (item.pk !== job && !(own && isSwap(item, own))) await replaceRunner(item, job, ports, log);
}

/**
 * Whether a runner took a job of its own kind that has a runner itself: one job fewer waits, and one runner fewer is idle.
 */
function isSwap(runner: RunnerItem, own: RunnerItem): boolean {
  const hasItsOwn = ['ADMITTED', 'REGISTERED', 'LAUNCHED', 'RUNNING'].includes(own.state);
  return hasItsOwn && own.jobState !== 'FINISHED' && isAlike(runner, own);
}

/**
 * Asks for another runner for the job that counted on this one, its own or one that lost its runner before; or for one that could not be helped
 * as long as this one was idle. When another idle runner that would not do is in the way, that one ends first, and whoever releases it asks.
 */
async function replaceRunner({ pk, event }: RunnerItem, takenJob: JobKey, { store, bus }: BindRunnerPorts, log: Log) {
  const runner = await store.read(pk);
  if (runner?.takenJob !== takenJob) return;
  // The index of live items may still show it as it was.
  const others = (await readAround(store, event.projectId, runner)).filter((item) => item.pk !== pk);
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
  ports: () => ({
    ...createTables(),
    bus: createEventBus(readEnvironment(eventBusEnvironment).EVENT_BUS_ARN),
    gitlab: createGitLabForManagers(),
  }),
  work: bindRunner,
});
