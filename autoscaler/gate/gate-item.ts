import type { JobKey } from '../../infrastructure/kit/job-key.ts';
import type { RunnerItem } from '../runner-store/runner-item.ts';
import type { Hold, StuckJobs } from './decide-turns.ts';

/**
 * What is written down of a project whose jobs may not fit each other's runners, as an item of the runners' table. A
 * decision replaces it, together with all that it lets go and holds, or is not made.
 */
export type GateItem = {
  readonly pk: GateKey;
  readonly version: number;
  readonly turns: readonly WrittenTurn[];
  readonly stuck: StuckJobs;
  /** For people who ask. */
  readonly holds: readonly Hold[];
};

/** A runner that may ask, and the job that is its to get, as long as nobody knows which one it got. */
export type WrittenTurn = { readonly runnerOf: JobKey; readonly attempt: number; readonly jobId: number };

/** The attempt of a runner that is let go; of a job that still waits for it, the one that is to begin. */
export function attemptOf({ state, attempt, attemptBegun = false }: RunnerItem): number {
  return state === 'WAITING' && attemptBegun ? attempt + 1 : attempt;
}

export type GateKey = `gate#${number}`;

export function gateKeyOf(projectId: number): GateKey {
  return `gate#${projectId}`;
}

export function emptyGate(projectId: number): GateItem {
  return { pk: gateKeyOf(projectId), version: 0, turns: [], stuck: {}, holds: [] };
}
