import type { GateKeeper, GateQueue } from '../../autoscaler/gate/gate-queue.ts';

/** What stands in DynamoDB, in memory. */
export function inMemoryGateQueue(): GateQueue {
  const projects = new Map<number, { keeper: GateKeeper | null; about: number[] | null }>();
  const queueOf = (projectId: number) => {
    const queue = projects.get(projectId) ?? { keeper: null, about: null };
    projects.set(projectId, queue);
    return queue;
  };
  return {
    async join(projectId, jobId, keeper, now) {
      const queue = queueOf(projectId);
      const isKept = queue.keeper && queue.keeper.until >= now && queue.keeper.id !== keeper.id;
      if (isKept) {
        queue.about = [...(queue.about ?? []), ...(jobId === null ? [] : [jobId])];
        return null;
      }
      const { about } = queue;
      projects.set(projectId, { keeper, about: null });
      return about ?? [];
    },
    async next(projectId, { id }) {
      const { keeper, about } = queueOf(projectId);
      if (keeper?.id !== id) return null;
      projects.set(projectId, { keeper: about && keeper, about: null });
      return about;
    },
    async leave(projectId, { id }) {
      const queue = queueOf(projectId);
      if (queue.keeper?.id !== id) return false;
      queue.keeper = null;
      return queue.about !== null;
    },
  };
}
