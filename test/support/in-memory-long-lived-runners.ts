import {
  type LongLivedRunner,
  type LongLivedRunners,
  whyNeverTaken,
} from '../../autoscaler/demand/long-lived-runner.ts';
import type { ManagedHosts } from '../../autoscaler/end-runner/drain-host.ts';
import { systemIdOf } from '../../autoscaler/runner-store/runner-manager.ts';
import { type InMemoryGitLab, tokenWord } from './in-memory-gitlab.ts';

export type InMemoryLongLivedRunners = LongLivedRunners &
  ManagedHosts & {
    /** The hosts that GitLab knows of each runner, by their system ids. */
    readonly hosts: Map<number, Set<string>>;
    /** Lets a profile bring a runner. */
    bring(profile: string, runner?: Partial<LongLivedRunner>): LongLivedRunner;
    /** The job that GitLab gives an instance that asks, which runs from then on. Null when there is none. */
    giveJobTo(runnerId: number, instanceId: string): number | null;
  };

/** Long-lived runners in GitLab, and what it does with their hosts. Instances exist unless they are said to be gone. */
export function inMemoryLongLivedRunners(
  gitlab: Pick<InMemoryGitLab, 'jobs' | 'setJob'>,
  isGone: (instanceId: string) => boolean = () => false,
): InMemoryLongLivedRunners {
  const brought = new Map<string, LongLivedRunner>();
  const hosts = new Map<number, Set<string>>();
  return {
    hosts,
    bring(profile, changes = {}) {
      const runnerId = 900 + brought.size;
      const token = `glrt-fake-${tokenWord}-${runnerId}`;
      const runner = { runnerId, token, tags: [], runUntagged: true, projectIds: null, ...changes };
      brought.set(profile, runner);
      hosts.set(runner.runnerId, new Set());
      return runner;
    },
    giveJobTo(runnerId, instanceId) {
      const runner = [...brought.values()].find((one) => one.runnerId === runnerId);
      if (!runner) return null;
      hosts.get(runnerId)?.add(systemIdOf(instanceId));
      const job = [...gitlab.jobs.values()].find((one) => one.status === 'pending' && !whyNeverTaken(runner, one));
      if (!job) return null;
      gitlab.setJob({ id: job.id, status: 'running', runnerId, systemId: systemIdOf(instanceId) });
      return job.id;
    },
    find: async (profile) => brought.get(profile) ?? null,
    async runningJobsOf({ runnerId, systemId }) {
      const running = [...gitlab.jobs.values()].filter(
        (job) => job.status === 'running' && job.runnerId === runnerId && job.systemId === systemId,
      );
      return running.map(({ projectId, id }) => ({ projectId, jobId: id }));
    },
    async remove({ profile, systemId }) {
      const runner = brought.get(profile);
      if (!runner) return false;
      // GitLab forgets with a host which jobs it had.
      for (const job of gitlab.jobs.values())
        if (job.systemId === systemId) gitlab.setJob({ id: job.id, systemId: null });
      return hosts.get(runner.runnerId)?.delete(systemId) ?? false;
    },
    isGone: async (instanceId) => isGone(instanceId),
  };
}
