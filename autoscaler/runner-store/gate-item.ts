import type { JobKey } from '../../infrastructure/kit/job-key.ts';
import type { RunnerItem } from './runner-item.ts';

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

/** Since when earlier jobs, for which runners are held, are not being started, by job id: milliseconds since 1970. */
export type StuckJobs = Readonly<Record<string, number>>;

/** A kind of which runners are held, and the job that they are held for. */
export type Hold = {
  readonly profile: string;
  readonly tags: readonly string[];
  readonly behind: number;
  /** Whose the earlier job is; null for one that is left to other runners. */
  readonly of: string | null;
  /** Since when nobody starts it; null while somebody does. Milliseconds since 1970. */
  readonly stuckSince: number | null;
};

export type GateKey = `gate#${number}`;

export function gateKeyOf(projectId: number): GateKey {
  return `gate#${projectId}`;
}

export function emptyGate(projectId: number): GateItem {
  return { pk: gateKeyOf(projectId), version: 0, turns: [], stuck: {}, holds: [] };
}
