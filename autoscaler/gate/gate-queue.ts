/**
 * One decision for all events of a project that come at the same time: whoever comes first decides, also for those who
 * come meanwhile, and they need not wait for him. Only who decides spares the others; that a decision is made over the
 * one before is the gate's own condition. A keeper that dies is followed at his `until`: by his own event, which comes
 * again, by the project's next one, or by the reconciler's.
 */
export type GateQueue = {
  /**
   * Makes an event the keeper of a project where there is none, and answers the jobs that were handed on to one who
   * died. Else hands its job on to the keeper and answers null.
   */
  join(projectId: number, jobId: number | null, keeper: GateKeeper, now: number): Promise<readonly number[] | null>;
  /** The jobs that were handed on since the last time. Null when nothing was: then the keeper is none any more. */
  next(projectId: number, keeper: GateKeeper): Promise<readonly number[] | null>;
  /** Leaves the project to the next event, with what was handed on; answers whether anything was. */
  leave(projectId: number, keeper: GateKeeper): Promise<boolean>;
};

/** `until`: when he has ended or died at the latest. Milliseconds since 1970, like `now`. */
export type GateKeeper = { readonly id: string; readonly until: number };

export type GateQueueKey = `gate-queue#${number}`;

export function gateQueueKeyOf(projectId: number): GateQueueKey {
  return `gate-queue#${projectId}`;
}
