import type { JobKey } from '../../../infrastructure/lib/job-key.ts';
import { ticketLifeSeconds } from '../../../infrastructure/lib/runner-ticket.ts';
import { RunnerStateChangedError } from '../../runners/runner-errors.ts';
import type { LaunchGroup } from '../../runners/runner-item.ts';
import type { RunnersTable } from '../../runners/runners-table.client.ts';
import type { TicketsTable } from '../../runners/tickets.client.ts';

export type LaunchGroupPorts = {
  readonly runners: RunnersTable;
  readonly tickets: TicketsTable;
  readonly now: () => number;
};

/** Writes the group down on each of its jobs' items, all or none; false when one of them went on meanwhile. */
export async function beginGroup(
  { runners }: Pick<LaunchGroupPorts, 'runners'>,
  group: LaunchGroup,
  attempts: readonly number[],
): Promise<boolean> {
  const writes = group.jobs.map((job, index) => ({
    job,
    from: ['REGISTERED' as const],
    attempt: attempts[index],
    only: { launchGroup: undefined },
    set: { launchGroup: group },
  }));
  return runners.writeTogether(writes).then(() => true, whenRefused);
}

/**
 * Gives an instance to a job: the job's item learns it and the ticket moves under the instance's id, together.
 *
 * @returns `given`; `served` when the item has this instance already; `refused` when the job is over: nobody needs the instance.
 */
export async function giveInstance(
  { runners, tickets, now }: LaunchGroupPorts,
  group: LaunchGroup,
  job: JobKey,
  instanceId: string,
): Promise<'given' | 'served' | 'refused'> {
  const ticket = await tickets.read(job);
  if (ticket) {
    const launchedAt = new Date(now()).toISOString();
    const expiresAt = Math.floor(now() / 1_000) + ticketLifeSeconds;
    const given = await runners
      .writeTogether(
        [
          {
            job,
            from: ['REGISTERED'],
            only: { launchGroup: group },
            set: { state: 'LAUNCHED', instanceId, ticketId: instanceId, launchedAt },
          },
        ],
        [tickets.put({ ...ticket, id: instanceId, expiresAt }), tickets.remove(job)],
      )
      .then(() => true, whenRefused);
    if (given) return 'given';
  }
  const item = await runners.read(job);
  return item?.instanceId === instanceId ? 'served' : 'refused';
}

/** Takes a job out of a group that had no instance for it, so that its message begins another group when it comes again. */
export async function leaveGroup(
  { runners }: Pick<LaunchGroupPorts, 'runners'>,
  group: LaunchGroup,
  job: JobKey,
): Promise<void> {
  await runners
    .writeTogether([{ job, from: ['REGISTERED'], only: { launchGroup: group }, set: {}, remove: ['launchGroup'] }])
    .catch((error: unknown) => void whenRefused(error));
}

function whenRefused(error: unknown): false {
  if (error instanceof RunnerStateChangedError) return false;
  throw error;
}
