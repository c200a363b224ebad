import type { LivePool, RunnerItem } from './runner-item.ts';
import type { RunnersStore } from './runners-store.ts';

/**
 * The pool of an item: what was registered as a host of a long-lived runner meets that runner's jobs, and no others.
 */
export function poolOf({ managerOf, event }: Pick<RunnerItem, 'managerOf' | 'event'>): LivePool {
  return managerOf === undefined ? `project#${event.projectId}` : poolOfRunner(managerOf);
}

export function poolOfRunner(runnerId: number): LivePool {
  return `runner#${runnerId}`;
}

/**
 * The live items of a project and of the pools of these items. Those of the project belong to them in any case: what
 * will be a host of a long-lived runner is none before it is registered.
 */
export async function readAround(
  store: Pick<RunnersStore, 'readLiveOf'>,
  projectId: number,
  ...items: readonly (RunnerItem | null)[]
): Promise<readonly RunnerItem[]> {
  const pools = new Set<LivePool>([`project#${projectId}`]);
  for (const item of items) if (item) pools.add(poolOf(item));
  const found = await Promise.all([...pools].map((pool) => store.readLiveOf(pool)));
  // An item may just be moving from one to the other.
  return [...new Map(found.flat().map((one) => [one.pk, one])).values()];
}
