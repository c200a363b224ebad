import type { RunnerItem } from '../../runner-store/runner-item.ts';
import { holdTag, launchGroupTag } from '../../runner-types/ec2/instance-tags.ts';
import type { Seen } from '../look/seen.ts';
import { isOlder, settledSeconds } from './deadlines.ts';
import { findOwners } from './owners.ts';
import type { RepairAction, RepairKind } from './repair.ts';
import type { Suspect } from './suspicion.ts';

type Looked = Pick<Seen, 'instances' | 'runners' | 'tickets' | 'patience'> & { readonly live: readonly RunnerItem[] };

/**
 * `unaccounted`: all that belongs to nothing, also what is not removed (yet). `held`: instances that a person holds
 * back.
 */
export type Strays = {
  readonly suspects: readonly Suspect[];
  readonly unaccounted: readonly string[];
  readonly held: readonly string[];
};

/** Instances, GitLab runners and tickets that no live item accounts for. */
export function findStrays({ live, instances, runners, tickets, patience }: Looked, now: number): Strays {
  const owners = findOwners(live);
  const strayRunners = (runners ?? []).filter(
    ({ runnerId, createdAt }) =>
      !owners.ownRunner(runnerId) && (createdAt === null || isOlder(createdAt, settledSeconds * patience, now)),
  );
  const held = (instances ?? []).filter(({ tags }) => tags[holdTag] !== undefined);
  const strayInstances = (instances ?? []).filter(
    ({ instanceId, tags, launchedAt }) =>
      tags[holdTag] === undefined &&
      isOlder(launchedAt, settledSeconds * patience, now) &&
      !owners.ownInstance(instanceId, tags[launchGroupTag]),
  );
  const strayTickets = (tickets ?? []).filter((ticket) => !owners.ownTicket(ticket));
  // A stray runner that works has its host among the stray instances, and nothing says which.
  const mayRemoveInstances = runners !== null && !strayRunners.some(({ busy }) => busy);
  return {
    suspects: [
      ...(mayRemoveInstances ? strayInstances : []).map(({ instanceId }) =>
        stray('remove-instance', instanceId, 'no live runner has this instance', { do: 'remove-instance', instanceId }),
      ),
      ...strayRunners
        .filter(({ busy }) => !busy)
        .map(({ runnerId, createdAt }) =>
          stray(
            'remove-runner',
            String(runnerId),
            'no live item has this GitLab runner',
            { do: 'remove-runner', runnerId },
            createdAt === null ? settledSeconds : 0,
          ),
        ),
      ...strayTickets.map(({ id, job }) =>
        stray('remove-ticket', id, 'nobody will come for this ticket', { do: 'remove-ticket', id, job }, 120),
      ),
    ],
    unaccounted: [
      ...strayInstances.map(({ instanceId }) => `instance ${instanceId}`),
      ...strayRunners.map(({ runnerId }) => `runner ${runnerId}`),
      ...strayTickets.map(({ id }) => `ticket ${id}`),
    ],
    held: held.map(({ instanceId }) => instanceId),
  };
}

function stray(kind: RepairKind, subject: string, reason: string, action: RepairAction, patienceSeconds = 0): Suspect {
  return { repair: { kind, subject, reason, action }, patienceSeconds };
}
