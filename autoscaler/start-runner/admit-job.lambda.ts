import type * as z from 'zod/mini';
import { jobKeyOf } from '../../infrastructure/lib/job-key.ts';
import { type LambdaContext, lambdaHandler, readEnvironment } from '../../infrastructure/lib/lambda-handler.client.ts';
import { attemptsEnvironment } from '../environment.ts';
import { createTables } from '../live-tables.client.ts';
import { admitJob as admit } from '../runners/admit-job.ts';
import { choiceOf } from '../runners/runner-item.ts';
import type { RunnersStore } from '../runners/runners-store.ts';
import { admitJobInput } from './start-runner-input.ts';

export type AdmitJobPorts = {
  readonly store: RunnersStore;
  readonly maxAttempts: number;
  readonly now: () => number;
};

/**
 * Admits the job: the one gate that every duplicate of an event fails at. Returns the attempt that begins, and where it runs: from the
 * second attempt on that is the fallback of the job's mapping, if it has one.
 */
export async function admitJob(input: z.infer<typeof admitJobInput>, ports: AdmitJobPorts, { log }: LambdaContext) {
  const { fallback, ...choice } = input.choice;
  const item = await admit(ports.store, jobKeyOf(input.event), {
    event: input.event,
    choice,
    fallback,
    admittedBy: input.execution,
    now: new Date(ports.now()).toISOString(),
    maxAttempts: ports.maxAttempts,
  });
  const { attempt, profile } = item;
  log.info('job admitted', { attempt, profile });
  return { attempt, choice: choiceOf(item) };
}

export const handler = lambdaHandler({
  input: admitJobInput,
  logFields: ({ event }) => ({ projectId: event.projectId, jobId: event.jobId }),
  ports: () => ({ ...createTables(), maxAttempts: readEnvironment(attemptsEnvironment).MAX_ATTEMPTS }),
  work: admitJob,
});
