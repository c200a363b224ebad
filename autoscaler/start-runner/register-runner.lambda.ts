import { randomUUID } from 'node:crypto';
import type * as z from 'zod/mini';
import type { GitLab } from '../../infrastructure/lib/gitlab.client.ts';
import { jobKeyOf } from '../../infrastructure/lib/job-key.ts';
import { type LambdaContext, lambdaHandler } from '../../infrastructure/lib/lambda-handler.client.ts';
import { ticketLifeSeconds } from '../../infrastructure/lib/runner-ticket.ts';
import { createGitLabFromEnvironment } from '../live-gitlab.client.ts';
import { createTables } from '../live-tables.client.ts';
import { noteOfRunner } from '../runners/runner-mark.ts';
import type { RunnersStore } from '../runners/runners-store.ts';
import { registerRunnerInput } from './start-runner-input.ts';

export type RegisterRunnerPorts = {
  readonly deployment: string;
  readonly gitlab: Pick<GitLab, 'createRunner' | 'removeRunner'>;
  readonly store: RunnersStore;
  readonly now: () => number;
  readonly randomId: () => string;
};

/**
 * Creates the job's runner in GitLab, with exactly the job's tags, and leaves its token as a ticket: under the job's key for EC2, whose
 * instance is not known yet, under a random id for Lambda, which gets the id in its payload.
 *
 * @throws {RunnerStateChangedError} when the job ended meanwhile; the new runner is removed again first.
 */
export async function registerRunner(
  { event, choice, attempt }: z.infer<typeof registerRunnerInput>,
  ports: RegisterRunnerPorts,
  { log }: LambdaContext,
) {
  const job = jobKeyOf(event);
  const { runnerId, token } = await ports.gitlab.createRunner({
    projectId: event.projectId,
    description: `${ports.deployment} ${choice.type.toLowerCase()} for job ${event.jobId}`,
    maintenanceNote: noteOfRunner({ deployment: ports.deployment, job, attempt }),
    tags: choice.tags,
    maximumTimeoutSeconds: choice.timeoutSeconds,
  });
  const ticketId = choice.type === 'LAMBDA' ? ports.randomId() : job;
  const expiresAt = Math.floor(ports.now() / 1_000) + ticketLifeSeconds;
  const registeredAt = new Date(ports.now()).toISOString();
  try {
    await ports.store.write(
      {
        kind: 'update',
        job,
        from: ['ADMITTED'],
        attempt,
        set: { state: 'REGISTERED', runnerId, ticketId, registeredAt },
      },
      { kind: 'put-ticket', ticket: { id: ticketId, token, job, expiresAt } },
    );
  } catch (error) {
    const item = await ports.store.read(job);
    const earlier = item?.state === 'REGISTERED' && item.attempt === attempt ? item : null;
    if (earlier?.runnerId !== runnerId) {
      log.info('this runner is not needed: removing it', { runnerId, error });
      await ports.gitlab.removeRunner(runnerId);
    }
    // The step is done, by this try or an earlier one, and only its answer was lost.
    if (earlier?.runnerId && earlier.ticketId) return { runnerId: earlier.runnerId, ticketId: earlier.ticketId };
    throw error;
  }
  log.info('runner registered', { runnerId, tags: choice.tags });
  return { runnerId, ticketId };
}

export const handler = lambdaHandler({
  input: registerRunnerInput,
  logFields: ({ event, attempt }) => ({ projectId: event.projectId, jobId: event.jobId, attempt }),
  ports: () => ({ ...createTables(), gitlab: createGitLabFromEnvironment(), randomId: randomUUID }),
  work: registerRunner,
});
