import type { JobStatus } from './job.ts';

/** A delivery of a job event, sent or not. */
export interface Delivery {
  readonly id: number;
  readonly hookId: number;
  readonly jobId: number;
  readonly buildStatus: JobStatus;
  readonly idempotencyKey: string;
  readonly url: string;
  readonly body: string;
  readonly requestedAt: Date;
  /** The status that was answered; `waiting` until then. Nothing is repeated, whatever it is. */
  readonly outcome: number | 'waiting' | 'timeout' | 'no answer' | 'dropped';
  readonly latencyMs: number | null;
}
