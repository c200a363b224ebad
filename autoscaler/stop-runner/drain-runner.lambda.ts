import { lastOf, runningOf } from '../../infrastructure/gitlab/gitlab-listings.ts';
import { type JobKey, type JobReference, jobKeyOf } from '../../infrastructure/kit/job-key.ts';
import { type LambdaContext, lambdaHandler } from '../../infrastructure/kit/lambda/lambda-handler.client.ts';
import { type Drain, type DrainHostPorts, drainHost, type WriteEnd } from '../end-runner/drain-host.ts';
import { type RunnerToStop, runnerToStopSchema } from '../end-runner/stop-runner-input.ts';
import { createGitLabFromEnvironment } from '../gitlab/live-gitlab.client.ts';
import { createLongLivedRunners } from '../gitlab/long-lived-runners.client.ts';
import { createTables } from '../runner-store/live-tables.client.ts';
import type { RunnerItem, RunnerState } from '../runner-store/runner-item.ts';
import { managerOf, profilesManagerOf } from '../runner-store/runner-manager.ts';
import { RunnerStateChangedError, type RunnersStore, type RunnerUpdate } from '../runner-store/runners-store.ts';
import { createInstanceStates } from '../runner-types/ec2/instance-states.client.ts';

export type DrainRunnerPorts = DrainHostPorts & {
  readonly store: RunnersStore;
  readonly now: () => number;
};

/** STOP: the runner may go. KEEP: a job runs on it, or may come. DONE: it has ended already. */
export type DrainVerdict = {
  readonly verdict: 'STOP' | 'KEEP' | 'DONE';
  readonly runnerId: number | null;
  readonly instanceId: string | null;
  readonly manager: RunnerToStop['manager'];
};

const stoppable: readonly RunnerState[] = ['ADMITTED', 'REGISTERED', 'LAUNCHED', 'RUNNING', 'STOPPING'];
const nothing = { runnerId: null, instanceId: null, manager: null };

/**
 * Makes GitLab give the runner no further job, and then looks whether one runs on it: a job that slipped in keeps its
 * host, and is bound to it. Only after that look is the runner marked STOPPING, from where there is no way back. What
 * it was when it was found does not count: it may have been registered, launched or taken since. Only a runner that is
 * to end by `force` ends with its job.
 */
export async function drainRunner(
  found: RunnerToStop,
  ports: DrainRunnerPorts,
  context: LambdaContext,
): Promise<DrainVerdict> {
  const { store, now } = ports;
  const item = await store.read(found.job);
  if (item?.attempt !== found.attempt || !stoppable.includes(item.state)) return { verdict: 'DONE', ...nothing };
  const runnerId = item.runnerId ?? null;
  try {
    const outcome = await drain(found, item, ports);
    switch (outcome.kind) {
      case 'busy':
        context.log.info('the runner is kept: a job runs on it', { runnerId, takenJob: outcome.takenJob });
        if (item.state !== 'STOPPING' && item.takenJob !== outcome.takenJob)
          await bind(store, item, outcome.takenJob, now());
        return { verdict: 'KEEP', ...nothing };
      case 'open':
        context.log.info('the host is kept: it may take a job until it ends by itself', {
          managerOf: item.managerOf,
          instanceId: item.instanceId,
        });
        return { verdict: 'KEEP', ...nothing };
      case 'ended':
        return { verdict: 'STOP', runnerId, instanceId: item.instanceId ?? null, manager: profilesManagerOf(item) };
    }
  } catch (error) {
    // It took a step in between: look again, which ends because states only move forward.
    if (error instanceof RunnerStateChangedError) return drainRunner(found, ports, context);
    throw error;
  }
}

function drain(found: RunnerToStop, item: RunnerItem, ports: DrainRunnerPorts): Promise<Drain> {
  if (found.force) return endByForce(item, ports);
  if (found.hadItsJob && item.takenJob !== undefined) return endAsSeen(item, ports);
  return drainHost(item, endOf(item, ports.store), ports);
}

/** GitLab said that its job is over, and it takes one: it need not be paused. Whether it has another is looked at. */
async function endAsSeen(item: RunnerItem, { store, gitlab }: DrainRunnerPorts): Promise<Drain> {
  const running = item.runnerId === undefined ? undefined : runningOf(await gitlab.jobsOf(item.runnerId));
  if (running) return { kind: 'busy', takenJob: jobKeyOf(running) };
  await store.write(markOf(item, item.takenJob));
  return { kind: 'ended' };
}

/**
 * Its host is dead, or must not live any more: it ends with the job that GitLab may still say runs on it, which is
 * noted.
 */
async function endByForce(item: RunnerItem, ports: DrainRunnerPorts): Promise<Drain> {
  const job = await jobOn(item, ports);
  await ports.store.write(markOf(item, job ? jobKeyOf(job) : undefined));
  return { kind: 'ended' };
}

/**
 * What runs on the item's host, and, where its runner has no other host, will run: it is paused first. Else what it had
 * and nobody told of.
 */
async function jobOn(item: RunnerItem, { gitlab, longLived }: DrainRunnerPorts): Promise<JobReference | undefined> {
  const manager = managerOf(item);
  if (manager) return (await longLived?.runningJobsOf(manager))?.[0];
  const paused = item.runnerId !== undefined && (await gitlab.pauseRunner(item.runnerId));
  const jobs = paused && item.runnerId !== undefined ? await gitlab.jobsOf(item.runnerId) : [];
  return runningOf(jobs) ?? (item.takenJob ? undefined : lastOf(jobs));
}

function endOf(item: RunnerItem, store: RunnersStore): WriteEnd {
  return (had, ...parts) => store.write(markOf(item, item.takenJob ?? had ?? undefined), ...parts);
}

/** From STOPPING there is no way back. Refused when the runner took a step since it was read. */
function markOf(
  { pk, state, attempt, runnerId, managerOf, instanceId, takenJob }: RunnerItem,
  had: JobKey | undefined,
): RunnerUpdate {
  return {
    kind: 'update',
    job: pk,
    from: [state],
    attempt,
    only: { runnerId, managerOf, instanceId, takenJob },
    set: { state: 'STOPPING', ...(had ? { takenJob: had } : {}) },
  };
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
  ports: () => ({
    ...createTables(),
    gitlab: createGitLabFromEnvironment(),
    longLived: { ...createLongLivedRunners(), ...createInstanceStates() },
  }),
  work: drainRunner,
});
