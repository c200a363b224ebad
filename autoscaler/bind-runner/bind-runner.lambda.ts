import { type JobEvent, jobEventSchema } from '../../infrastructure/lib/job-event.ts';
import { jobKeyOf } from '../../infrastructure/lib/job-key.ts';
import { type LambdaContext, lambdaHandler } from '../../infrastructure/lib/lambda-handler.client.ts';
import { createGitLabForManagers } from '../live-gitlab.client.ts';
import { createTables } from '../live-tables.client.ts';
import { expiryOf } from '../runners/end-runner.ts';
import { type FindHostPorts, findHost } from '../runners/find-host.ts';
import { noteJobState, noteTakenJob } from '../runners/job-state.ts';
import { RunnerStateChangedError, type RunnersStore } from '../runners/runners-store.ts';

export type BindRunnerPorts = FindHostPorts & { readonly store: RunnersStore; readonly now: () => number };

/**
 * Writes down which job a runner really took: GitLab gives a job to any runner that fits. The job's own item learns that the job runs.
 * Late and repeated events change nothing.
 */
export async function bindRunner(event: JobEvent, ports: BindRunnerPorts, { log }: LambdaContext): Promise<void> {
  const job = jobKeyOf(event);
  // Some versions of GitLab send the hook of a pending job as one that runs: that it runs is only true together with who runs it.
  if (event.runnerId === null) return log.info('nothing to bind: the event names no runner');
  await noteJobState(ports.store, job, 'RUNNING', expiryOf(ports.now()));
  const item = await findHost(event, ports);
  if (!item) return log.info('the job runs on a runner that is not ours', { runnerId: event.runnerId });
  try {
    await noteTakenJob(ports.store, item, job, event.occurredAt);
    log.info('runner bound', {
      runnerId: event.runnerId,
      runnerOf: item.pk,
      type: item.type,
      secondsToPickUp: (Date.parse(event.occurredAt) - Date.parse(item.event.receivedAt)) / 1_000,
    });
  } catch (error) {
    if (!(error instanceof RunnerStateChangedError)) throw error;
    log.info('nothing to bind: the runner took its job before, or ended', { runnerOf: item.pk, state: item.state });
  }
}

export const handler = lambdaHandler({
  input: jobEventSchema,
  logFields: ({ projectId, jobId }) => ({ projectId, jobId }),
  ports: () => ({ ...createTables(), gitlab: createGitLabForManagers() }),
  work: bindRunner,
});
