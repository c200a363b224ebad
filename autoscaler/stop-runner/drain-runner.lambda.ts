import type { GitLab } from '../../infrastructure/lib/gitlab.client.ts';
import { type JobKey, jobKeyOf } from '../../infrastructure/lib/job-key.ts';
import { type LambdaContext, lambdaHandler } from '../../infrastructure/lib/lambda-handler.client.ts';
import { createGitLabFromEnvironment } from '../live-gitlab.client.ts';
import { createTables } from '../live-tables.client.ts';
import type { RunnerItem, RunnerState } from '../runners/runner-item.ts';
import { RunnerStateChangedError, type RunnersStore } from '../runners/runners-store.ts';
import { type RunnerToStop, runnerToStopSchema } from './stop-runner-input.ts';

export type DrainRunnerPorts = {
  readonly gitlab: Pick<GitLab, 'pauseRunner' | 'runningJobsOf'>;
  readonly store: RunnersStore;
  readonly now: () => number;
};

/** STOP: the runner may go. KEEP: a job runs on it. DONE: it has ended already. */
export type DrainVerdict = {
  readonly verdict: 'STOP' | 'KEEP' | 'DONE';
  readonly runnerId: number | null;
  readonly instanceId: string | null;
};

const stoppable: readonly RunnerState[] = ['ADMITTED', 'REGISTERED', 'LAUNCHED', 'RUNNING', 'STOPPING'];
const nothing = { runnerId: null, instanceId: null };

/**
 * Makes GitLab give the runner no further job, and then looks whether one runs on it: a job that slipped in keeps its host, and is
 * bound to it. Only after that look is the runner marked STOPPING, from where there is no way back. What it was when it was found does not
 * count: it may have been registered, launched or taken since. A runner whose host is gone ends in any case (`force`).
 */
export async function drainRunner(
  found: RunnerToStop,
  ports: DrainRunnerPorts,
  context: LambdaContext,
): Promise<DrainVerdict> {
  const { gitlab, store, now } = ports;
  const item = await store.read(found.job);
  if (item?.attempt !== found.attempt || !stoppable.includes(item.state)) return { verdict: 'DONE', ...nothing };
  const runnerId = item.runnerId ?? null;
  const paused = runnerId !== null && (await gitlab.pauseRunner(runnerId));
  const [running] = paused ? await gitlab.runningJobsOf(runnerId) : [];
  try {
    if (running && !found.force) {
      context.log.info('the runner is kept: a job runs on it', { runnerId, takenJob: jobKeyOf(running) });
      const isBound = item.takenJob === jobKeyOf(running);
      if (item.state !== 'STOPPING' && !isBound) await bind(store, item, jobKeyOf(running), now());
      return { verdict: 'KEEP', ...nothing };
    }
    await store.write({
      kind: 'update',
      job: found.job,
      from: [item.state],
      attempt: found.attempt,
      only: { runnerId: item.runnerId, instanceId: item.instanceId, takenJob: item.takenJob },
      set: { state: 'STOPPING', ...(running ? { takenJob: jobKeyOf(running) } : {}) },
    });
    return { verdict: 'STOP', runnerId, instanceId: item.instanceId ?? null };
  } catch (error) {
    // It took a step in between: look again, which ends because states only move forward.
    if (error instanceof RunnerStateChangedError) return drainRunner(found, ports, context);
    throw error;
  }
}

function bind(store: RunnersStore, item: RunnerItem, takenJob: JobKey, at: number): Promise<void> {
  return store.write({
    kind: 'update',
    job: item.pk,
    from: ['REGISTERED', 'LAUNCHED', 'RUNNING'],
    attempt: item.attempt,
    set: { state: 'RUNNING', takenJob, pickedUpAt: new Date(at).toISOString() },
  });
}

export const handler = lambdaHandler({
  input: runnerToStopSchema,
  logFields: ({ job, attempt }) => ({ runnerOf: job, attempt }),
  ports: () => ({ ...createTables(), gitlab: createGitLabFromEnvironment() }),
  work: drainRunner,
});
