import type { JobKey } from '../../infrastructure/kit/job-key.ts';
import type { RunnerTicket } from '../../infrastructure/kit/runner-ticket.ts';
import type { GateItem } from './gate-item.ts';
import type { Cap, LivePool, RunnerItem, RunnerState } from './runner-item.ts';

/** A write to one runner's item: which states it may begin from, what it sets and removes. */
export type RunnerUpdate = {
  readonly kind: 'update';
  readonly job: JobKey;
  readonly from: readonly RunnerState[];
  /** Only while the item is at this attempt. */
  readonly attempt?: number | undefined;
  /** Further attributes and the value that each must have; undefined means absent. */
  readonly only?: Partial<Record<keyof RunnerItem, unknown>>;
  readonly set?: Partial<RunnerItem>;
  readonly remove?: readonly (keyof RunnerItem)[];
};

/** One part of a write to the tables. A part whose condition does not hold refuses the whole write. */
export type StoreWrite =
  | RunnerUpdate
  /** Puts an item over what was read before, null for nothing: of two writers one loses. */
  | { readonly kind: 'put'; readonly item: RunnerItem; readonly over: RunnerItem | null }
  /** Takes a place under a cap, if one is free. */
  | { readonly kind: 'take-place'; readonly cap: Cap }
  /** Gives a place back, if one is taken. */
  | { readonly kind: 'give-place-back'; readonly cap: Cap }
  | { readonly kind: 'put-ticket'; readonly ticket: RunnerTicket }
  /** Takes a ticket back, if nobody has claimed it: its host never gets the token then. */
  | { readonly kind: 'take-ticket-back'; readonly id: string }
  /** Puts another ticket in the place of one whose token nobody has claimed. */
  | { readonly kind: 'replace-ticket'; readonly ticket: RunnerTicket }
  /** Puts a project's gate over the one of the version that was read; 0 for none. */
  | { readonly kind: 'put-gate'; readonly gate: GateItem; readonly over: number }
  /** Removing what is already gone is success. */
  | { readonly kind: 'remove-ticket'; readonly id: string };

/**
 * A condition of a write does not hold: the item went on, somebody else was faster, or a cap is full. `refused` holds
 * the positions of the parts that were refused.
 */
export class RunnerStateChangedError extends Error {
  override readonly name = 'RunnerStateChangedError';
  readonly refused: readonly number[];
  constructor(message: string, refused: readonly number[], options?: ErrorOptions) {
    super(message, options);
    this.refused = refused;
  }
}

/** For a write that may be refused because its item went on, which is no failure. */
export function whenItWentOn(error: unknown): void {
  if (!(error instanceof RunnerStateChangedError)) throw error;
}

/** The runners' items, their tickets and the counters of the caps. */
export type RunnersStore = {
  /** The item of a job as it is now. */
  read(job: JobKey): Promise<RunnerItem | null>;
  /** The item whose runner has this id in GitLab, as it is now. */
  readByRunnerId(runnerId: number): Promise<RunnerItem | null>;
  /** The item whose runner is on this instance, as it is now. */
  readByInstanceId(instanceId: string): Promise<RunnerItem | null>;
  /** The items of runners that live and of jobs that are not over, oldest first; may be a moment old. */
  readLive(): Promise<readonly RunnerItem[]>;
  /** The gate of a project as it is now; null where there was none to keep. */
  readGate(projectId: number): Promise<GateItem | null>;
  /** Of these the ones of one pool. */
  readLiveOf(pool: LivePool): Promise<readonly RunnerItem[]>;
  /**
   * Some items of jobs that wait for a place under their caps, oldest first: the first ones, or the next after the
   * given one; none when that was the last.
   */
  readWaiting(after: RunnerItem | null): Promise<readonly RunnerItem[]>;
  /** A ticket that nobody has claimed yet; null when it is gone. */
  readTicket(id: string): Promise<RunnerTicket | null>;
  /** How many places are taken under each counter, as of now. */
  placesTaken(counters: readonly string[]): Promise<ReadonlyMap<string, number>>;
  /**
   * Writes all parts together or none.
   *
   * @throws {RunnerStateChangedError} when a condition does not hold.
   */
  write(...parts: readonly StoreWrite[]): Promise<void>;
};
