import type { JobEvent } from '../../infrastructure/kit/job-event.ts';
import {
  type LambdaContext,
  lambdaHandler,
  readEnvironment,
} from '../../infrastructure/kit/lambda/lambda-handler.client.ts';
import { forsakenAt, forsakenBy } from '../demand/forsaken-jobs.ts';
import { isAlike } from '../demand/kind.ts';
import { nextWaiting } from '../demand/next-waiting.ts';
import { type AttemptEnd, type EndRunnerPorts, endRunner, hasGoneOn } from '../end-runner/end-runner.ts';
import { type RunnerToStop, runnerToStopSchema } from '../end-runner/stop-runner-input.ts';
import { judgeAttempt } from '../end-runner/whose-fault.ts';
import { eventBusEnvironment } from '../environment/environment.ts';
import { createEventBus } from '../events/event-bus.client.ts';
import type { EventBus } from '../events/event-bus.ts';
import { tellGate } from '../gate/tell-gate.ts';
import { readAround } from '../runner-store/live-pool.ts';
import { createTables } from '../runner-store/live-tables.client.ts';
import type { OutageMark } from '../runner-store/outage-mark.ts';
import type { RunnerItem } from '../runner-store/runner-item.ts';
import { RunnerStateChangedError } from '../runner-store/runners-store.ts';

export type ReleaseRunnerPorts = EndRunnerPorts & {
  readonly outages: Pick<OutageMark, 'lastSeen'>;
  readonly bus: EventBus;
};

/** The error of an attempt whose host died idle. */
const hostGone = 'HostGone';

/**
 * Ends the item of a runner of which nothing is left, and names the jobs that may start in its place. Asked again it
 * names them again: an answer may have been lost, and admission refuses who has started since.
 */
export async function releaseRunner(
  { job, attempt, failure }: RunnerToStop,
  ports: ReleaseRunnerPorts,
  { log }: LambdaContext,
): Promise<{ readonly next: readonly JobEvent[] }> {
  const item = await ports.store.read(job);
  if (!item || item.attempt !== attempt) return { next: [] };
  if (item.state === 'STOPPING') {
    try {
      const end = await endOf(item, failure, ports);
      await endRunner(ports, item, { from: ['STOPPING'], end });
      if (end.state === 'FAILED') log.count({ AttemptsFailed: 1 }, 'the attempt failed', { attempt, failure });
    } catch (error) {
      const wentOn = error instanceof RunnerStateChangedError && hasGoneOn(item, await ports.store.read(job));
      if (!wentOn) throw error;
    }
  } else if (!['RELEASED', 'FAILED', 'WAITING'].includes(item.state)) return { next: [] };
  const again = await whoAsksAgain(ports, item, failure !== undefined);
  const waiting = (await nextWaiting(ports, item)).filter((one) => !again.some(({ jobId }) => jobId === one.jobId));
  const next = [...waiting, ...again];
  // It might have asked until now.
  if (item.gated && item.takenJob === undefined) await tellGate(item.event, [item], ports);
  log.info('runner released', { next: next.map((event) => event.jobId) });
  return { next };
}

/** `failure`: what its host died of, before it took a job. */
async function endOf(item: RunnerItem, failure: string | undefined, ports: ReleaseRunnerPorts): Promise<AttemptEnd> {
  // Also of a job that runs elsewhere: its runner was to serve the job whose runner it took.
  if (failure === undefined || item.takenJob !== undefined || item.jobState === 'FINISHED')
    return { state: 'RELEASED' };
  const lastOutage = await ports.outages.lastSeen();
  // Its job asks again at once.
  return judgeAttempt(item, { error: hostGone, message: failure }, { now: ports.now(), random: 0, lastOutage });
}

/**
 * Who needs another runner now: the item's own job, when the attempt failed (admission refuses it when there were
 * enough) or when its runner served another one; the job whose runner the item's job took; or the job that counted on
 * this runner while it was idle. Nobody, as long as an idle runner is left over.
 */
async function whoAsksAgain(
  { store }: EndRunnerPorts,
  item: RunnerItem,
  hasFailed: boolean,
): Promise<readonly JobEvent[]> {
  if (item.jobState === 'PENDING' && hasFailed && item.takenJob !== item.pk) return [item.event];
  const wasSpare = item.jobState !== 'PENDING' && item.takenJob === undefined;
  if (item.jobState === 'FINISHED' && !wasSpare) return [];
  if (item.jobState === 'RUNNING' && !wasSpare && (await servedAlike(store, item))) return [];
  // The index of live items may still show it as it was.
  const released = { ...item, state: 'RELEASED' } as const;
  const others = (await readAround(store, item.event.projectId, item)).filter(({ pk }) => pk !== item.pk);
  const forsaken = forsakenAt(item.pk, [...others, released]) ?? (wasSpare ? forsakenBy(released, others) : null);
  return forsaken?.ask ? [forsaken.ask] : [];
}

/** Whether a runner worked for a job of its own kind: then nobody waits for the room that its end leaves. */
async function servedAlike(store: EndRunnerPorts['store'], item: RunnerItem): Promise<boolean> {
  const taken = item.takenJob === undefined ? null : await store.read(item.takenJob);
  return taken !== null && isAlike(item, taken);
}

export const handler = lambdaHandler({
  input: runnerToStopSchema,
  logFields: ({ job, attempt }) => ({ runnerOf: job, attempt }),
  ports: () => ({ ...createTables(), bus: createEventBus(readEnvironment(eventBusEnvironment).EVENT_BUS_ARN) }),
  work: releaseRunner,
});
