import type { RunnerItem } from './runner-item.ts';

const idLength = 12;

/**
 * The system id that a host's runner tells GitLab, by which a manager of a long-lived runner is known. The boot script
 * writes the same into `.runner_system_id`.
 */
export function systemIdOf(instanceId: string): string {
  const hexadecimal = instanceId.replace(/^i-/, '').padStart(idLength, '0');
  return `s_${hexadecimal.slice(-idLength)}`;
}

/** A host as one manager of the runner: what names it in GitLab. */
export type RunnerManager = { readonly runnerId: number; readonly systemId: string };

/** The same by the profile that brings the runner, whose token is the only one that removes it. */
export type ProfilesManager = { readonly profile: string; readonly systemId: string };

/** The manager that an item's host is; null when the item has a runner of its own, or no host yet. */
export function managerOf({
  managerOf: runnerId,
  instanceId,
}: Pick<RunnerItem, 'managerOf' | 'instanceId'>): RunnerManager | null {
  if (runnerId === undefined || instanceId === undefined) return null;
  return { runnerId, systemId: systemIdOf(instanceId) };
}

/** The same, by the item's profile. */
export function profilesManagerOf(
  item: Pick<RunnerItem, 'profile' | 'managerOf' | 'instanceId'>,
): ProfilesManager | null {
  const manager = managerOf(item);
  return manager && { profile: item.profile, systemId: manager.systemId };
}
