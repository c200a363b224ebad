import type { JobKey } from '../../../infrastructure/lib/job-key.ts';
import { ticketLifeSeconds } from '../../../infrastructure/lib/runner-ticket.ts';
import type { LaunchGroup } from '../../runners/runner-item.ts';
import { RunnerStateChangedError, type RunnersStore } from '../../runners/runners-store.ts';
import type { FreshGroup } from './launch-plan.ts';

export type InstanceGiverPorts = { readonly store: RunnersStore; readonly now: () => number };

/**
 * Writes the group down on each of its jobs' items, and that a launch was tried, all or none; false when one of
 * them went on meanwhile. A write that was made, and refused when it was sent again for its lost answer, has been
 * made.
 */
export async function beginGroup(store: RunnersStore, { group, members }: FreshGroup): Promise<boolean> {
  const parts = members.map(
    ({ job, attempt, over }) =>
      ({
        kind: 'update',
        job,
        from: ['REGISTERED'],
        attempt,
        only: { launchGroup: over },
        set: { launchGroup: group, launchTriedAt: group.begunAt },
      }) as const,
  );
  if (await store.write(...parts).then(() => true, whenRefused)) return true;
  const items = await Promise.all(members.map(({ job }) => store.read(job)));
  return items.every((item) => item?.launchGroup?.id === group.id);
}

/**
 * Gives an instance to a job: the job's item learns it and the ticket moves under the instance's id, together.
 *
 * @returns `given`; `served` when the item has this instance already; `refused` when the job is over: nobody needs the instance;
 * `lost` when the job waits, but its runner's token is gone: no instance would help it.
 */
export async function giveInstance(
  { store, now }: InstanceGiverPorts,
  group: LaunchGroup,
  job: JobKey,
  instanceId: string,
): Promise<'given' | 'served' | 'refused' | 'lost'> {
  const ticket = await store.readTicket(job);
  if (ticket) {
    const launchedAt = new Date(now()).toISOString();
    const expiresAt = Math.floor(now() / 1_000) + ticketLifeSeconds;
    const given = await store
      .write(
        {
          kind: 'update',
          job,
          from: ['REGISTERED'],
          only: { launchGroup: group },
          set: { state: 'LAUNCHED', instanceId, ticketId: instanceId, launchedAt },
        },
        { kind: 'put-ticket', ticket: { ...ticket, id: instanceId, expiresAt } },
        { kind: 'remove-ticket', id: job },
      )
      .then(() => true, whenRefused);
    if (given) return 'given';
  }
  const item = await store.read(job);
  if (item?.instanceId === instanceId) return 'served';
  return !ticket && item?.state === 'REGISTERED' && item.launchGroup?.id === group.id ? 'lost' : 'refused';
}

/** Takes a job out of a group that had no instance for it, so that its message begins another group when it comes again. */
export async function leaveGroup(store: RunnersStore, group: LaunchGroup, job: JobKey): Promise<void> {
  await store
    .write({ kind: 'update', job, from: ['REGISTERED'], only: { launchGroup: group }, remove: ['launchGroup'] })
    .catch(whenRefused);
}

function whenRefused(error: unknown): false {
  if (error instanceof RunnerStateChangedError) return false;
  throw error;
}
