import { idleBeyondDemand } from '../../demand/demand.ts';
import type { RunnerItem } from '../../runner-store/runner-item.ts';
import { launchRequestOf } from '../../runner-types/ec2/launch-requests.ts';
import { traitsOf } from '../../runner-types/runner-types.ts';
import type { Seen } from '../look/seen.ts';
import { isOlder, requestSeconds, retrialSeconds } from './deadlines.ts';
import { suspect } from './repair-runners.ts';
import type { Suspect } from './suspicion.ts';

type Looked = Pick<Seen, 'patience'> & { readonly live: readonly RunnerItem[] };

/**
 * Runners for whom the launcher tries nothing: their request did not reach it, or it gave them up and nobody heard of
 * it. Whoever waits for capacity is none of them: the launcher comes back to him by itself. A request too many is
 * harmless, and costs no attempt.
 */
export function launchesToRequest({ live, patience }: Looked, now: number): Suspect[] {
  const unneeded = new Set(idleBeyondDemand(live));
  const waiting = live.filter(
    (item) => item.state === 'REGISTERED' && traitsOf(item).launch === 'requested' && !unneeded.has(item),
  );
  return waiting.flatMap((item) => {
    const { registeredAt, launchTriedAt } = item;
    const request = launchRequestOf(item);
    const isForgotten = launchTriedAt
      ? isOlder(launchTriedAt, retrialSeconds * Math.max(1, patience), now)
      : isOlder(registeredAt, requestSeconds * patience, now);
    if (!request || !isForgotten) return [];
    const reason = launchTriedAt ? 'nobody tries to launch its host any more' : 'nobody ever tried to launch its host';
    return [suspect('request-launch-again', item, reason, { do: 'request-launch', request })];
  });
}
