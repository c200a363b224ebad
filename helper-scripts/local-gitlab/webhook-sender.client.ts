import { setTimeout as wait } from 'node:timers/promises';
import type { Delivery } from './delivery.ts';
import type { Faults, WebhookFault } from './faults.ts';
import { type Hook, renderHookHeaders } from './hook.ts';
import type { Instance } from './instance.ts';
import type { HookEvent } from './job-events.ts';

export class UnknownDeliveryError extends Error {
  override readonly name = 'UnknownDeliveryError';
}

const timeoutMs = 10_000;

/**
 * Sends webhooks beside everything else: no caller waits for an answer. The events of one job go out in their order,
 * each after the one before it was answered; those of different jobs do not wait for each other.
 */
export class WebhookSender {
  readonly #instance: () => Instance;
  readonly #faults: Faults;
  readonly #now: () => Date;
  readonly #uuid: () => string;
  readonly #deliveries = new Map<number, Delivery>();
  readonly #hooks = new Map<number, Hook>();
  /** The last send of each job of each hook. */
  readonly #chains = new Map<string, Promise<void>>();
  readonly #heldBack = new Map<string, Delivery[]>();
  readonly #underWay = new Set<Promise<void>>();
  readonly #stopped = new AbortController();

  constructor(instance: () => Instance, faults: Faults, now: () => Date, uuid: () => string) {
    this.#instance = instance;
    this.#faults = faults;
    this.#now = now;
    this.#uuid = uuid;
  }

  send(event: HookEvent): void {
    const effect = this.#faults.strikeWebhook(event.status);
    const stale = effect?.kind === 'stale' && event.previousStatus !== null;
    const payload = stale ? { ...event.payload, build_status: event.previousStatus } : event.payload;
    const delivery = this.#record(event, JSON.stringify(payload));
    const chain = `${event.hook.id}/${event.jobId}`;
    const previous = this.#chains.get(chain) ?? Promise.resolve();
    const sent = this.#follow(() => this.#sendAfter(previous, delivery, chain, effect));
    // A delivery that is late or held back does not hold up those after it.
    if (effect?.kind !== 'delay' && effect?.kind !== 'reorder') this.#chains.set(chain, sent);
  }

  /** Sends a delivery once more, with the same id: what "Resend Request" does. */
  async resend(deliveryId: number): Promise<Delivery> {
    const delivery = this.#deliveries.get(deliveryId);
    if (delivery === undefined) throw new UnknownDeliveryError(`the local GitLab has no delivery ${deliveryId}`);
    const copy: Delivery = {
      ...delivery,
      id: this.#nextId(),
      requestedAt: this.#now(),
      outcome: 'waiting',
      latencyMs: null,
    };
    this.#deliveries.set(copy.id, copy);
    await this.#follow(() => this.#post(copy));
    return this.#deliveries.get(copy.id) ?? copy;
  }

  deliveries(): readonly Delivery[] {
    return [...this.#deliveries.values()];
  }

  /** Resolves when every delivery that is not held back was answered or given up. */
  async settle(): Promise<void> {
    while (this.#underWay.size > 0) await Promise.all(this.#underWay);
  }

  stop(): void {
    this.#stopped.abort();
  }

  #record({ hook, jobId, status }: HookEvent, body: string): Delivery {
    const delivery: Delivery = {
      id: this.#nextId(),
      hookId: hook.id,
      jobId,
      buildStatus: status,
      idempotencyKey: this.#uuid(),
      url: hook.url,
      body,
      requestedAt: this.#now(),
      outcome: 'waiting',
      latencyMs: null,
    };
    this.#deliveries.set(delivery.id, delivery);
    // A resend goes to the hook as it was, even when that is gone.
    this.#hooks.set(hook.id, hook);
    return delivery;
  }

  async #sendAfter(
    previous: Promise<void>,
    delivery: Delivery,
    chain: string,
    effect: WebhookFault['effect'] | undefined,
  ): Promise<void> {
    await previous;
    switch (effect?.kind) {
      case 'drop':
        this.#deliveries.set(delivery.id, { ...delivery, outcome: 'dropped' });
        return;
      case 'reorder':
        this.#heldBack.set(chain, [...(this.#heldBack.get(chain) ?? []), delivery]);
        return;
      case 'delay':
        await this.#wait(effect.milliseconds);
        break;
      case 'duplicate':
        await this.#post(delivery);
        break;
      case 'stale':
      case undefined:
        break;
    }
    await this.#post(delivery);
    const late = this.#heldBack.get(chain) ?? [];
    this.#heldBack.delete(chain);
    for (const held of late) await this.#post(held);
  }

  /** One request. Redirects are not followed, and no answer at all is as good as a bad one. */
  async #post(delivery: Delivery): Promise<void> {
    const hook = this.#hooks.get(delivery.hookId);
    if (hook === undefined || this.#stopped.signal.aborted) return;
    const at = this.#now();
    const headers = renderHookHeaders(
      hook,
      {
        idempotencyKey: delivery.idempotencyKey,
        requestId: this.#uuid(),
        eventId: this.#uuid(),
        at,
        body: delivery.body,
      },
      this.#instance(),
    );
    const started = performance.now();
    const outcome = await this.#request(delivery, headers);
    const latencyMs = Math.round(performance.now() - started);
    this.#deliveries.set(delivery.id, { ...delivery, requestedAt: at, outcome, latencyMs });
  }

  async #request({ url, body }: Delivery, headers: Record<string, string>): Promise<Delivery['outcome']> {
    const signal = AbortSignal.any([AbortSignal.timeout(timeoutMs), this.#stopped.signal]);
    try {
      const response = await fetch(url, { method: 'POST', headers, body, redirect: 'manual', signal });
      await response.arrayBuffer();
      return response.status;
    } catch (error) {
      return error instanceof DOMException && error.name === 'TimeoutError' ? 'timeout' : 'no answer';
    }
  }

  async #wait(milliseconds: number): Promise<void> {
    try {
      await wait(milliseconds, undefined, { signal: this.#stopped.signal });
    } catch (error) {
      if (!this.#stopped.signal.aborted) throw error;
    }
  }

  #follow(run: () => Promise<void>): Promise<void> {
    const work = run().finally(() => this.#underWay.delete(work));
    this.#underWay.add(work);
    return work;
  }

  #nextId(): number {
    return this.#deliveries.size + 1;
  }
}
