import type { JobEvent } from '../../infrastructure/lib/job-event.ts';
import { type LambdaContext, lambdaHandler } from '../../infrastructure/lib/lambda-handler.client.ts';
import { createTables } from '../live-tables.client.ts';
import { type EndRunnerPorts, endRunner } from '../runners/end-runner.ts';
import { jobsWithoutRunner } from '../runners/plan-stops.ts';
import type { RunnerItem } from '../runners/runner-item.ts';
import { type RunnerToStop, runnerToStopSchema } from './stop-runner-input.ts';

/** Ends the item of a runner of which nothing is left, and names the job that may start in its place. */
export async function releaseRunner(
  { job, attempt }: RunnerToStop,
  ports: EndRunnerPorts,
  { log }: LambdaContext,
): Promise<{ readonly next: readonly JobEvent[] }> {
  const item = await ports.store.read(job);
  if (item?.state !== 'STOPPING' || item.attempt !== attempt) {
    log.info('the runner was released before', { state: item?.state });
    return { next: [] };
  }
  const waiters = await endRunner(ports, item, { from: ['STOPPING'], state: 'RELEASED' });
  const next = item.jobState === 'PENDING' ? [...waiters, ...(await againIfForsaken(ports, item))] : waiters;
  log.info('runner released', { next: next.map((event) => event.jobId) });
  return { next };
}

/** The runner served another job, and its own still waits: unless a runner is left over that can take it, it asks for another one. */
async function againIfForsaken({ store }: EndRunnerPorts, { pk }: RunnerItem): Promise<readonly JobEvent[]> {
  const forsaken = jobsWithoutRunner(await store.readLive()).find((job) => job.pk === pk);
  return forsaken ? [forsaken.event] : [];
}

export const handler = lambdaHandler({
  input: runnerToStopSchema,
  logFields: ({ job, attempt }) => ({ runnerOf: job, attempt }),
  ports: createTables,
  work: releaseRunner,
});
