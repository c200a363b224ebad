import type { KnownProject } from '../../runner-store/known-projects.ts';
import type { ReconcilerMemory } from './memory.ts';
import type { SeenTicket } from './seen.ts';

/** What the reconciler keeps in the runners' table beside their items, and the list of tickets. */
export type ReconcileStore = {
  /** What the last pass left; an empty memory at first. */
  readMemory(): Promise<ReconcilerMemory>;
  /** False when another pass wrote meanwhile. `memory.version` is that of the memory that was read. */
  writeMemory(memory: ReconcilerMemory): Promise<boolean>;
  /**
   * Projects that sent a job which we started a runner for, or that the configuration names; forgotten after a month.
   */
  listProjects(): Promise<readonly KnownProject[]>;
  /** All tickets that nobody has claimed, without their tokens. */
  listTickets(): Promise<readonly SeenTicket[]>;
};
