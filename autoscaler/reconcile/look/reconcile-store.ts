import type { ReconcilerMemory } from './memory.ts';
import type { SeenTicket } from './seen.ts';

/** A project whose jobs we look after. */
export type KnownProject = { readonly projectId: number; readonly path: string | null };

/** What the reconciler keeps in the runners' table beside their items, and the list of tickets. */
export type ReconcileStore = {
  /** What the last pass left; an empty memory at first. */
  readMemory(): Promise<ReconcilerMemory>;
  /** False when another pass wrote meanwhile. `memory.version` is that of the memory that was read. */
  writeMemory(memory: ReconcilerMemory): Promise<boolean>;
  /** Projects that sent a job which we started a runner for, or that the configuration names; forgotten after a month. */
  listProjects(): Promise<readonly KnownProject[]>;
  /** All tickets that nobody has claimed, without their tokens. */
  listTickets(): Promise<readonly SeenTicket[]>;
};

export type ProjectsStore = {
  /** Remembers a project for another month: one write a day, and none when it was noted today. `day`: ISO 8601 date. */
  noteProject(project: KnownProject, day: string): Promise<void>;
  /** A project that is not allowed is not looked after any more, until it is noted again. */
  forgetProject(projectId: number): Promise<void>;
};

/** What stands in the sparse index of live items in place of their mark, for known projects. */
export const projectMark = 'project';
