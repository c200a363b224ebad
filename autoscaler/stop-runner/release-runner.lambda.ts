import type { JobEvent } from '../../infrastructure/lib/job-event.ts';
import { type LambdaContext, lambdaHandler } from '../../infrastructure/lib/lambda-handler.client.ts';
import { createTables } from '../live-tables.client.ts';
import { type EndRunnerPorts, endRunner, hasGoneOn, nextWaiting } from '../runners/end-runner.ts';
import { jobsWithoutRunner } from '../runners/plan-stops.ts';
import type { RunnerItem } from '../runners/runner-item.ts';
import { RunnerStateChangedError } from '../runners/runners-store.ts';
import { type RunnerToStop, runnerToStopSchema } from './stop-runner-input.ts';

/**
 * Ends the item of a runner of which nothing is left, and names the jobs that may start in its place. Asked again it names them again: an
 * answer may have been lost, and admission refuses who has started since.
 */
export async function releaseRunner(
  { job, attempt, failure }: RunnerToStop,
  ports: EndRunnerPorts,
  { log }: LambdaContext,
): Promise<{ readonly next: readonly JobEvent[] }> {
  const item = await ports.store.read(job);
  if (!item || item.attempt !== attempt) return { next: [] };
  if (item.state === 'STOPPING') {
    try {
      const failed = failure !== undefined && item.takenJob === undefined && item.jobState === 'PENDING';
      const end = failed ? ({ state: 'FAILED', failure } as const) : ({ state: 'RELEASED' } as const);
      await endRunner(ports, item, { from: ['STOPPING'], ...end });
      if (failed) log.count({ AttemptsFailed: 1 }, 'the attempt failed', { attempt, failure });
    } catch (error) {
      const wentOn = error instanceof RunnerStateChangedError && hasGoneOn(item, await ports.store.read(job));
      if (!wentOn) throw error;
    }
  } else if (item.state !== 'RELEASED' && item.state !== 'FAILED') return { next: [] };
  const again = failure === undefined ? await againIfForsaken(ports, item) : againAfterFailure(item);
  const next = [...(await nextWaiting(ports.store, item)), ...again];
  log.info('runner released', { next: next.map((event) => event.jobId) });
  return { next };
}

/** Its job asks for its next attempt; admission refuses it when there were enough. */
function againAfterFailure(item: RunnerItem): readonly JobEvent[] {
  return item.jobState === 'PENDING' ? [item.event] : [];
}

/** The runner served another job, and its own still waits: unless a runner is left over that can take it, it asks for another one. */
async function againIfForsaken({ store }: EndRunnerPorts, item: RunnerItem): Promise<readonly JobEvent[]> {
  if (item.jobState !== 'PENDING') return [];
  // The index of live items may still show it as it was.
  const others = (await store.readLive()).filter(({ pk }) => pk !== item.pk);
  const forsaken = jobsWithoutRunner([...others, { ...item, state: 'RELEASED' }]).find(({ pk }) => pk === item.pk);
  return forsaken ? [forsaken.event] : [];
}

export const handler = lambdaHandler({
  input: runnerToStopSchema,
  logFields: ({ job, attempt }) => ({ runnerOf: job, attempt }),
  ports: createTables,
  work: releaseRunner,
});
