import { emptyMemory, type ReconcilerMemory } from '../../autoscaler/reconcile/look/memory.ts';
import type { ReconcileStore } from '../../autoscaler/reconcile/look/reconcile-store.ts';
import type { KnownProject, ProjectsStore } from '../../autoscaler/runner-store/known-projects.ts';
import type { InMemoryRunnersStore } from './in-memory-runners-store.ts';

export type InMemoryReconcileStore = ReconcileStore &
  ProjectsStore & {
    readonly projects: Map<number, KnownProject>;
    /** What the last pass left. */
    readonly memory: () => ReconcilerMemory;
  };

/** What the reconciler keeps, beside the tables of `runners` in memory. */
export function inMemoryReconcileStore(runners: Pick<InMemoryRunnersStore, 'tickets'>): InMemoryReconcileStore {
  const projects = new Map<number, KnownProject>();
  let memory = emptyMemory;
  return {
    projects,
    memory: () => memory,
    readMemory: async () => memory,
    async writeMemory(next) {
      if (next.version !== memory.version) return false;
      memory = { ...next, version: next.version + 1 };
      return true;
    },
    listProjects: async () => [...projects.values()].sort((a, b) => a.projectId - b.projectId),
    listTickets: async () => [...runners.tickets.values()].map(({ id, job, expiresAt }) => ({ id, job, expiresAt })),
    async noteProject(project) {
      projects.set(project.projectId, project);
    },
    async forgetProject(projectId) {
      projects.delete(projectId);
    },
  };
}
