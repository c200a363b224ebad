import type { JobEvent } from '../../infrastructure/lib/job-event.ts';
import { type LambdaContext, lambdaHandler } from '../../infrastructure/lib/lambda-handler.client.ts';
import { createTables } from '../live-tables.client.ts';
import { type EndRunnerPorts, endRunner } from '../runners/end-runner.ts';
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
  const next = await endRunner(ports, item, { from: ['STOPPING'], state: 'RELEASED' });
  log.info('runner released', { next: next.map((event) => event.jobId) });
  return { next };
}

export const handler = lambdaHandler({
  input: runnerToStopSchema,
  logFields: ({ job, attempt }) => ({ runnerOf: job, attempt }),
  ports: createTables,
  work: releaseRunner,
});
