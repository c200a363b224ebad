import type { JobEvent } from '../../infrastructure/kit/job-event.ts';
import { jobKeyOf } from '../../infrastructure/kit/job-key.ts';
import { poolOfRunner } from './live-pool.ts';
import type { RunnerItem } from './runner-item.ts';
import { managerOf } from './runner-manager.ts';
import type { RunnersStore } from './runners-store.ts';

export type FindHostPorts = {
  readonly store: Pick<RunnersStore, 'read' | 'readByRunnerId' | 'readLiveOf'>;
  /** Where a profile brings a long-lived runner. */
  readonly gitlab?:
    | { readJob(projectId: number, jobId: number): Promise<{ readonly systemId: string | null } | null> }
    | undefined;
};

/**
 * The item whose host has the job of an event. The event names a runner, and that is enough where the runner has one
 * host. A long-lived runner has many: GitLab says of the job which of them has it. Null when it is none of ours, or
 * when that cannot be told (any more).
 */
export async function findHost(event: JobEvent, { store, gitlab }: FindHostPorts): Promise<RunnerItem | null> {
  if (event.runnerId === null) return null;
  const only = await store.readByRunnerId(event.runnerId);
  if (only || !gitlab) return only;
  const hosts = await store.readLiveOf(poolOfRunner(event.runnerId));
  if (hosts.length === 0) return null;
  const bound = hosts.find(({ takenJob }) => takenJob === jobKeyOf(event));
  if (bound) return store.read(bound.pk);
  const systemId = (await gitlab.readJob(event.projectId, event.jobId))?.systemId ?? null;
  const host = systemId === null ? undefined : hosts.find((item) => managerOf(item)?.systemId === systemId);
  return host ? store.read(host.pk) : null;
}
