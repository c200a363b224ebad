import { randomUUID } from 'node:crypto';
import type * as z from 'zod/mini';
import type { GitLab } from '../../infrastructure/gitlab/gitlab.client.ts';
import { jobKeyOf } from '../../infrastructure/kit/job-key.ts';
import { type LambdaContext, lambdaHandler } from '../../infrastructure/kit/lambda/lambda-handler.client.ts';
import { ticketLifeSeconds } from '../../infrastructure/kit/runner-ticket.ts';
import { LongLivedRunnerError, type LongLivedRunners, whyNeverTaken } from '../demand/long-lived-runner.ts';
import { createGitLabFromEnvironment } from '../gitlab/live-gitlab.client.ts';
import { createLongLivedRunners } from '../gitlab/long-lived-runners.client.ts';
import { createTables } from '../runner-store/live-tables.client.ts';
import { noteOfRunner } from '../runner-store/runner-mark.ts';
import type { RunnersStore } from '../runner-store/runners-store.ts';
import { traitsOf } from '../runner-types/runner-types.ts';
import { registerRunnerInput } from './start-runner-input.ts';

export type RegisterRunnerPorts = {
  readonly deployment: string;
  readonly gitlab: Pick<GitLab, 'createRunner' | 'removeRunner' | 'isProtectedRef'>;
  /** The runners that profiles bring, where any does. */
  readonly longLived?: Pick<LongLivedRunners, 'find'>;
  readonly store: RunnersStore;
  readonly now: () => number;
  readonly randomId: () => string;
};

type Input = z.infer<typeof registerRunnerInput>;

/** `made`: a runner for this job alone. Otherwise the job's host will be one more manager of the runner. */
type JobsRunner = { readonly runnerId: number; readonly token: string; readonly made: boolean };

/**
 * Leaves the token of the job's runner as a ticket: for EC2, whose instance is not known yet, out of reach of all hosts
 * under the job's key; for Lambda under a random id of its profile's function, which gets the id in its payload. The
 * runner is made in GitLab with exactly the job's tags, or it is the one that the profile brings.
 *
 * @throws {LongLivedRunnerError} when the profile's own runner would never take the job.
 * @throws {RunnerStateChangedError} when the job ended meanwhile; the new runner is removed again first.
 */
export async function registerRunner(
  { event, choice, attempt }: Input,
  ports: RegisterRunnerPorts,
  { log }: LambdaContext,
) {
  const job = jobKeyOf(event);
  const { runnerId, token, made } =
    (await findLongLived({ event, choice }, ports)) ?? (await makeRunner({ event, choice, attempt }, ports));
  const { profile } = choice;
  const ticketId = traitsOf(choice).ticketIdOf({ job, profile, randomId: ports.randomId });
  const expiresAt = Math.floor(ports.now() / 1_000) + ticketLifeSeconds;
  const registeredAt = new Date(ports.now()).toISOString();
  try {
    await ports.store.write(
      {
        kind: 'update',
        job,
        from: ['ADMITTED'],
        attempt,
        set: { state: 'REGISTERED', ...(made ? { runnerId } : { managerOf: runnerId }), ticketId, registeredAt },
      },
      { kind: 'put-ticket', ticket: { id: ticketId, token, job, expiresAt, ...(made ? {} : { mode: 'manager' }) } },
    );
  } catch (error) {
    const item = await ports.store.read(job);
    const earlier = item?.state === 'REGISTERED' && item.attempt === attempt ? item : null;
    if (made && earlier?.runnerId !== runnerId) {
      log.info('this runner is not needed: removing it', { runnerId, error });
      await ports.gitlab.removeRunner(runnerId);
    }
    // The step is done, by this try or an earlier one, and only its answer was lost.
    if (earlier?.ticketId) return { runnerId: earlier.runnerId ?? runnerId, ticketId: earlier.ticketId };
    throw error;
  }
  log.info('runner registered', { runnerId, longLived: !made, tags: choice.tags });
  return { runnerId, ticketId };
}

async function makeRunner({ event, choice, attempt }: Input, ports: RegisterRunnerPorts): Promise<JobsRunner> {
  const runner = await ports.gitlab.createRunner({
    projectId: event.projectId,
    description: `${ports.deployment} ${choice.type.toLowerCase()} for job ${event.jobId}`,
    maintenanceNote: noteOfRunner({ deployment: ports.deployment, job: jobKeyOf(event), attempt }),
    tags: choice.tags,
    maximumTimeoutSeconds: choice.timeoutSeconds,
    accessLevel: choice.accessLevel,
  });
  return { ...runner, made: true };
}

/** Null when the profile brings no runner. */
async function findLongLived(
  { event, choice }: Pick<Input, 'event' | 'choice'>,
  { longLived, gitlab }: RegisterRunnerPorts,
): Promise<JobsRunner | null> {
  const runner = await longLived?.find(choice.profile);
  if (!runner) return null;
  const what = `the long-lived runner ${runner.runnerId} of profile "${choice.profile}"`;
  if (choice.accessLevel !== undefined && runner.accessLevel !== choice.accessLevel) {
    throw new LongLivedRunnerError(
      `${what} takes jobs of every branch, and the profile says accessLevel "${choice.accessLevel}": protect the runner in GitLab`,
    );
  }
  const isProtected =
    runner.accessLevel === 'ref_protected' && (await gitlab.isProtectedRef(event.projectId, event.ref));
  const why = whyNeverTaken(runner, { projectId: event.projectId, tags: choice.tags, isProtected });
  if (why) {
    throw new LongLivedRunnerError(`${what} would never take job ${event.jobId}: ${why}`);
  }
  return { runnerId: runner.runnerId, token: runner.token, made: false };
}

export const handler = lambdaHandler({
  input: registerRunnerInput,
  logFields: ({ event, attempt }) => ({ projectId: event.projectId, jobId: event.jobId, attempt }),
  ports: () => ({
    ...createTables(),
    gitlab: createGitLabFromEnvironment(),
    longLived: createLongLivedRunners(),
    randomId: randomUUID,
  }),
  work: registerRunner,
});
