import * as z from 'zod/mini';
import type { EventBus } from '../events/event-bus.ts';

/**
 * `DetailType` on the bus: something happened in a project that may make it another runner's turn; `detail` is a {@link
 * TurnsWanted}.
 */
export const turnsWantedType = 'Turns Wanted';

export const turnsWantedSchema = z.object({
  kind: z.literal('turns-wanted'),
  projectId: z.int(),
  /** The job that something happened to; null for a look without a reason of its own. */
  jobId: z.nullable(z.int()),
});
export type TurnsWanted = z.infer<typeof turnsWantedSchema>;

/** Has the gate of a project looked at. */
export function wantTurns(bus: EventBus, projectId: number, jobId: number | null): Promise<void> {
  const detail: TurnsWanted = { kind: 'turns-wanted', projectId, jobId };
  return bus.tell(turnsWantedType, detail);
}
