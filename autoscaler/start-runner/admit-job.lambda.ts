import type * as z from 'zod/mini';
import { jobKeyOf } from '../../infrastructure/lib/job-key.ts';
import { type LambdaContext, lambdaHandler, readEnvironment } from '../../infrastructure/lib/lambda-handler.client.ts';
import { attemptsEnvironment, retriesEnvironment } from '../environment.ts';
import { createTables } from '../live-tables.client.ts';
import { admitJob as admit } from '../runners/admit-job.ts';
import type { RetryMarks } from '../runners/retry-marks.ts';
import type { RunnersStore } from '../runners/runners-store.ts';
import { admitJobInput } from './start-runner-input.ts';

export type AdmitJobPorts = {
  readonly store: RunnersStore;
  readonly maxAttempts: number;
  /** Absent where no profile's interrupted jobs are retried: then no admission looks for a mark. */
  readonly marks?: Pick<RetryMarks, 'claim'>;
  readonly now: () => number;
};

/**
 * Admits the job: the one gate that every duplicate of an event fails at. Returns the attempt that begins, and whether its instance may only
 * be on-demand capacity: the job is the retry of one that a spot interruption ended.
 */
export async function admitJob(input: z.infer<typeof admitJobInput>, ports: AdmitJobPorts, { log }: LambdaContext) {
  const onDemandOnly = input.choice.type === 'EC2' && ((await ports.marks?.claim(input.event)) ?? false);
  const attempt = await admit(ports.store, jobKeyOf(input.event), {
    event: input.event,
    choice: input.choice,
    admittedBy: input.execution,
    now: new Date(ports.now()).toISOString(),
    maxAttempts: ports.maxAttempts,
    onDemandOnly,
  });
  log.info('job admitted', { attempt, onDemandOnly });
  return { attempt, onDemandOnly };
}

export const handler = lambdaHandler({
  input: admitJobInput,
  logFields: ({ event }) => ({ projectId: event.projectId, jobId: event.jobId }),
  ports: () => {
    const { marks, ...tables } = createTables();
    const { MAX_ATTEMPTS: maxAttempts } = readEnvironment(attemptsEnvironment);
    const { RETRIED_PROFILES: retriedProfiles } = readEnvironment(retriesEnvironment);
    return { ...tables, maxAttempts, ...(retriedProfiles.length > 0 ? { marks } : {}) };
  },
  work: admitJob,
});
