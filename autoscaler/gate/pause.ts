import { lastOf, type RunnerJob, runningOf } from '../../infrastructure/gitlab/gitlab-listings.ts';
import { type JobKey, jobKeyOf } from '../../infrastructure/kit/job-key.ts';
import type { Log } from '../../infrastructure/kit/lambda/log.ts';
import { lacksTurn, mayBePaused } from '../runner-store/held.ts';
import { noteTakenJob } from '../runner-store/job-state.ts';
import type { RunnerItem } from '../runner-store/runner-item.ts';
import { type RunnersStore, whenItWentOn } from '../runner-store/runners-store.ts';

export type PausePorts = {
  readonly gitlab: {
    pauseRunner(runnerId: number): Promise<boolean>;
    unpauseRunner(runnerId: number): Promise<boolean>;
    jobsOf(runnerId: number): Promise<readonly RunnerJob[]>;
  };
  readonly store: RunnersStore;
};

/** Others may work for a long-lived runner, which is never paused. */
export function canBePaused({ runnerId, managerOf, takenJob }: RunnerItem): boolean {
  return runnerId !== undefined && managerOf === undefined && takenJob === undefined;
}

/**
 * Makes GitLab give nothing more to a runner that holds its token and is out of turn. Whoever has got a job already,
 * which is the usual case, has that written down instead.
 *
 * @returns since when it is paused and has no job; null when it has one, went on, or is gone.
 */
export async function pauseIdle(item: RunnerItem, now: number, ports: PausePorts, log: Log): Promise<string | null> {
  const { runnerId } = item;
  if (runnerId === undefined || (await noteItsJob(item, runnerId, ports))) return null;
  const pausedAt = new Date(now).toISOString();
  const { pk: job, state, attempt, turnAt } = item;
  try {
    // Before the call: a runner that is paused, and of which nobody knows, would wait for ever.
    const only = { turnAt, takenJob: undefined, pausedAt: item.pausedAt, unpausedAt: item.unpausedAt };
    const mark = { kind: 'update', job, from: [state], attempt, only } as const;
    await ports.store.write({ ...mark, set: { pausedAt }, remove: ['unpausedAt'] });
  } catch (error) {
    whenItWentOn(error);
    return null;
  }
  if (!(await ports.gitlab.pauseRunner(runnerId)) || (await noteItsJob(item, runnerId, ports))) return null;
  log.info('a runner that is out of turn is paused', { runnerOf: item.pk, runnerId });
  return pausedAt;
}

async function noteItsJob(item: RunnerItem, runnerId: number, { gitlab, store }: PausePorts): Promise<boolean> {
  const jobs = await gitlab.jobsOf(runnerId);
  const its = runningOf(jobs) ?? lastOf(jobs);
  if (its) await noteTakenJob(store, item, jobKeyOf(its)).catch(whenItWentOn);
  return its !== undefined;
}

/** Lets a runner ask again whose turn it is. GitLab wakes its open request. */
export async function unpause(job: JobKey, now: number, { gitlab, store }: PausePorts, log: Log): Promise<void> {
  const item = await store.read(job);
  if (!item || item.runnerId === undefined || lacksTurn(item) || !mayBePaused(item)) return;
  await gitlab.unpauseRunner(item.runnerId);
  const { state, attempt, turnAt, pausedAt } = item;
  const update = { kind: 'update', job, from: [state], attempt, only: { turnAt, pausedAt } } as const;
  try {
    await store.write({ ...update, set: { unpausedAt: new Date(now).toISOString() } });
    log.info('a runner is unpaused in its turn', { runnerOf: job, runnerId: item.runnerId });
  } catch (error) {
    whenItWentOn(error);
    const current = await store.read(job);
    // Somebody held it at the same moment, and may have paused it before this call of ours.
    if (current?.attempt === attempt && lacksTurn(current) && mayBePaused(current))
      await gitlab.pauseRunner(item.runnerId);
  }
}
