import type { EventBus } from '../../autoscaler/events/event-bus.ts';

/** A bus that keeps what it is told. */
export function inMemoryBus(): EventBus & { readonly told: (readonly [type: string, detail: unknown])[] } {
  const told: (readonly [string, unknown])[] = [];
  return {
    told,
    async tell(type, detail) {
      told.push([type, detail]);
    },
  };
}
