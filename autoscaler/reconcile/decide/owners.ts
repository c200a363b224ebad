import { hasRunner } from '../../demand/demand.ts';
import type { RunnerItem } from '../../runner-store/runner-item.ts';
import type { SeenTicket } from '../look/seen.ts';
import { ownsTicket } from './repair-runners.ts';

/** Who among the live items accounts for what is seen; each is looked up, whatever there is of it. */
export type Owners = {
  ownRunner(runnerId: number): boolean;
  ownInstance(instanceId: string, launchGroupId: string | undefined): boolean;
  ownTicket(ticket: Pick<SeenTicket, 'id' | 'job'>): boolean;
};

/** The same as `ownsRunner`, `ownsInstance` and `ownsTicket` say of one item, for all of them. */
export function findOwners(live: readonly RunnerItem[]): Owners {
  const withRunner = live.filter(hasRunner);
  const runners = new Set(withRunner.map(({ runnerId }) => runnerId));
  const instances = new Set(withRunner.map(({ instanceId }) => instanceId));
  const registered = live.filter(({ state }) => state === 'REGISTERED');
  const groups = new Set(registered.flatMap(({ launchGroup }) => (launchGroup ? [launchGroup.id] : [])));
  const items = new Map(live.map((item) => [item.pk, item]));
  return {
    ownRunner: (runnerId) => runners.has(runnerId),
    ownInstance: (instanceId, launchGroupId) =>
      instances.has(instanceId) || (launchGroupId !== undefined && groups.has(launchGroupId)),
    ownTicket: ({ id, job }) => ownsTicket(items.get(job) ?? null, id),
  };
}
