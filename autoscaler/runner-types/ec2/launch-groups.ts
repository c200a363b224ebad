import type { JobKey } from '../../../infrastructure/kit/job-key.ts';
import { heldTicket, type RunnerTicket, ticketLifeSeconds } from '../../../infrastructure/kit/runner-ticket.ts';
import type { LaunchGroup } from '../../runner-store/runner-item.ts';
import { RunnerStateChangedError, type RunnersStore, type StoreWrite } from '../../runner-store/runners-store.ts';
import { nameOfHost } from '../../runner-store/ticket-place.ts';
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
 * Gives an instance to a job: the job's item learns it and the ticket moves to where this host alone can take it,
 * together. While it is not its turn, the host finds in the ticket's place that it is held, and the gate moves the
 * ticket.
 *
 * @returns `given`; `served` when the item has this instance already; `refused` when the job is over: nobody needs the
 * instance; `lost` when the job waits, but its runner's token is gone: no instance would help it.
 */
export async function giveInstance(
  { store, now }: InstanceGiverPorts,
  group: LaunchGroup,
  job: JobKey,
  instanceId: string,
): Promise<'given' | 'served' | 'refused' | 'lost'> {
  const ticket = await store.readTicket(job);
  if (ticket && (await give({ store, now }, { group, job, instanceId, ticket, gated: undefined }))) return 'given';
  for (let tries = 0; tries < mostTries; tries += 1) {
    const item = await store.read(job);
    if (item?.instanceId === instanceId) return 'served';
    if (item?.state !== 'REGISTERED' || item.launchGroup?.id !== group.id) return 'refused';
    if (!ticket) return 'lost';
    const { gated, turnAt } = item;
    if (!gated) return 'refused';
    if (await give({ store, now }, { group, job, instanceId, ticket, gated, turnAt })) return 'given';
  }
  return 'refused';
}

/** The gate may let the runner go, and hold it again, while its instance is given. */
const mostTries = 3;

type Gift = {
  readonly group: LaunchGroup;
  readonly job: JobKey;
  readonly instanceId: string;
  readonly ticket: RunnerTicket;
  readonly gated: true | undefined;
  readonly turnAt?: string | undefined;
};

/** False when the item went on, or is gated in another way than it was said to be. */
function give({ store, now }: InstanceGiverPorts, { group, job, instanceId, ticket, gated, turnAt }: Gift) {
  const launchedAt = new Date(now()).toISOString();
  const expiresAt = Math.floor(now() / 1_000) + ticketLifeSeconds;
  const isHeld = gated && turnAt === undefined;
  const claimsAs = nameOfHost(group.source.hostRoleId, instanceId);
  const update = {
    kind: 'update',
    job,
    from: ['REGISTERED'],
    only: { launchGroup: group, gated, ...(gated ? { turnAt } : {}) },
    set: { state: 'LAUNCHED', instanceId, claimsAs, ticketId: isHeld ? job : claimsAs, launchedAt },
  } as const;
  const parts: readonly StoreWrite[] = isHeld
    ? [{ kind: 'put-ticket', ticket: heldTicket(claimsAs, job, expiresAt) }]
    : [
        { kind: 'put-ticket', ticket: { ...ticket, id: claimsAs, expiresAt } },
        { kind: 'remove-ticket', id: job },
      ];
  return store.write(update, ...parts).then(() => true, whenRefused);
}

/**
 * Takes a job out of a group that had no instance for it, so that its message begins another group when it comes again.
 */
export async function leaveGroup(store: RunnersStore, group: LaunchGroup, job: JobKey): Promise<void> {
  await store
    .write({ kind: 'update', job, from: ['REGISTERED'], only: { launchGroup: group }, remove: ['launchGroup'] })
    .catch(whenRefused);
}

function whenRefused(error: unknown): false {
  if (error instanceof RunnerStateChangedError) return false;
  throw error;
}
