import picomatch from 'picomatch';
import { z } from 'zod';
import { type JobStatus, jobStatuses } from './job.ts';

/** Things that go wrong on purpose. The schemas are also what the control API takes. */

const times = z.number().int().min(1).optional();

export const routeFault = z.strictObject({
  /** Any method when left out. */
  method: z.string().toUpperCase().optional(),
  /** A glob over the path without its query: `/api/v4/jobs/request`, `/api/v4/**`. */
  path: z.string().startsWith('/'),
  /** For so many requests; until cleared when left out. */
  times,
  effect: z.discriminatedUnion('kind', [
    z.strictObject({
      kind: z.literal('respond'),
      status: z.number().int().min(200).max(599),
      headers: z.record(z.string(), z.string()).optional(),
      body: z.unknown().optional(),
    }),
    /** Takes the request and never answers. */
    z.strictObject({ kind: z.literal('hang') }),
    /** Closes the connection without a word. */
    z.strictObject({ kind: z.literal('drop') }),
    /** Answers as ever, but later. */
    z.strictObject({ kind: z.literal('delay'), milliseconds: z.number().min(0) }),
  ]),
});
export type RouteFault = z.infer<typeof routeFault>;

export const webhookFault = z.strictObject({
  /** The `build_status` of deliveries that it strikes; all when left out. */
  statuses: z.array(z.enum(jobStatuses)).optional(),
  times,
  effect: z.discriminatedUnion('kind', [
    /** Never sent, as over a rate limit. */
    z.strictObject({ kind: z.literal('drop') }),
    /** Sent twice, with the same id. */
    z.strictObject({ kind: z.literal('duplicate') }),
    z.strictObject({ kind: z.literal('delay'), milliseconds: z.number().min(0) }),
    /** Sent only after the job's next delivery. */
    z.strictObject({ kind: z.literal('reorder') }),
    /**
     * Carries the status that the job had before, as releases until September 2026 could: of a stage that begins, no
     * `pending` ever comes, but a second `created` of a pipeline that runs.
     */
    z.strictObject({ kind: z.literal('stale') }),
  ]),
});
export type WebhookFault = z.infer<typeof webhookFault>;

export interface ActiveFault {
  readonly id: number;
  readonly fault: RouteFault | WebhookFault;
  /** null: until cleared. */
  readonly timesLeft: number | null;
}

/** The faults that are in force; the oldest that fits strikes. */
export class Faults {
  readonly #route = new Map<number, { readonly fault: RouteFault; timesLeft: number | null }>();
  readonly #webhook = new Map<number, { readonly fault: WebhookFault; timesLeft: number | null }>();
  #nextId = 1;

  /** @returns an id with which to clear it */
  addRoute(fault: RouteFault): number {
    return this.#add(this.#route, fault);
  }

  /** @returns an id with which to clear it */
  addWebhook(fault: WebhookFault): number {
    return this.#add(this.#webhook, fault);
  }

  /** @param id all faults when left out */
  clear(id?: number): void {
    for (const faults of [this.#route, this.#webhook]) {
      if (id === undefined) faults.clear();
      else faults.delete(id);
    }
  }

  list(): readonly ActiveFault[] {
    return [...this.#route, ...this.#webhook].map(([id, { fault, timesLeft }]) => ({ id, fault, timesLeft }));
  }

  /** The effect on a request, which uses up one of its times. */
  strikeRoute(method: string, path: string): RouteFault['effect'] | undefined {
    return strike(
      this.#route,
      (fault) => (fault.method === undefined || fault.method === method) && picomatch.isMatch(path, fault.path),
    )?.effect;
  }

  /** The effect on a delivery, which uses up one of its times. */
  strikeWebhook(status: JobStatus): WebhookFault['effect'] | undefined {
    return strike(this.#webhook, ({ statuses }) => statuses === undefined || statuses.includes(status))?.effect;
  }

  #add<T extends RouteFault | WebhookFault>(
    faults: Map<number, { readonly fault: T; timesLeft: number | null }>,
    fault: T,
  ): number {
    const id = this.#nextId;
    this.#nextId += 1;
    faults.set(id, { fault, timesLeft: fault.times ?? null });
    return id;
  }
}

function strike<T>(
  faults: Map<number, { readonly fault: T; timesLeft: number | null }>,
  fits: (fault: T) => boolean,
): T | undefined {
  for (const [id, active] of faults) {
    if (!fits(active.fault)) continue;
    if (active.timesLeft !== null) {
      active.timesLeft -= 1;
      if (active.timesLeft === 0) faults.delete(id);
    }
    return active.fault;
  }
  return undefined;
}
