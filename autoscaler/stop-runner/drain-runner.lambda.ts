import type { GitLab } from '../../infrastructure/lib/gitlab.client.ts';
import { jobKeyOf } from '../../infrastructure/lib/job-key.ts';
import { type LambdaContext, lambdaHandler } from '../../infrastructure/lib/lambda-handler.client.ts';
import { createGitLabFromEnvironment } from '../live-gitlab.client.ts';
import { createTables } from '../live-tables.client.ts';
import { RunnerStateChangedError, type RunnersStore } from '../runners/runners-store.ts';
import { type RunnerToStop, runnerToStopSchema } from './stop-runner-input.ts';

export type DrainRunnerPorts = {
  readonly gitlab: Pick<GitLab, 'pauseRunner' | 'runningJobsOf'>;
  readonly store: RunnersStore;
  readonly now: () => number;
};

/** STOP: the runner may go. KEEP: a job runs on it. DONE: it has ended already. */
export type DrainVerdict = { readonly verdict: 'STOP' | 'KEEP' | 'DONE'; readonly instanceId: string | null };

/**
 * Makes GitLab give the runner no further job, and then looks whether one runs on it: a job that slipped in keeps its host, and is
 * bound to it. Only after that look is the runner marked STOPPING, from where there is no way back.
 */
export async function drainRunner(
  { job, attempt, runnerId }: RunnerToStop,
  { gitlab, store, now }: DrainRunnerPorts,
  { log }: LambdaContext,
): Promise<DrainVerdict> {
  if (runnerId !== null && (await gitlab.pauseRunner(runnerId))) {
    const [running] = await gitlab.runningJobsOf(runnerId);
    if (running) {
      const takenJob = jobKeyOf(running);
      log.info('the runner is kept: a job runs on it', { runnerId, takenJob });
      await store
        .write({
          kind: 'update',
          job,
          from: ['REGISTERED', 'LAUNCHED', 'RUNNING'],
          attempt,
          set: { state: 'RUNNING', takenJob, pickedUpAt: new Date(now()).toISOString() },
        })
        .catch(whenItWentOn);
      return { verdict: 'KEEP', instanceId: null };
    }
  }
  await store
    .write({
      kind: 'update',
      job,
      from: ['ADMITTED', 'REGISTERED', 'LAUNCHED', 'RUNNING'],
      attempt,
      set: { state: 'STOPPING' },
    })
    .catch(whenItWentOn);
  const item = await store.read(job);
  if (item?.state !== 'STOPPING' || item.attempt !== attempt) return { verdict: 'DONE', instanceId: null };
  return { verdict: 'STOP', instanceId: item.instanceId ?? null };
}

function whenItWentOn(error: unknown): void {
  if (!(error instanceof RunnerStateChangedError)) throw error;
}

export const handler = lambdaHandler({
  input: runnerToStopSchema,
  logFields: ({ job, attempt }) => ({ runnerOf: job, attempt }),
  ports: () => ({ ...createTables(), gitlab: createGitLabFromEnvironment() }),
  work: drainRunner,
});
