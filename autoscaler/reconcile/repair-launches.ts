import type { RunnerItem } from '../runners/runner-item.ts';
import { idleBeyondDemand } from '../runners/spare-runners.ts';
import { launchRequestOf } from '../start-runner/ec2/launch-requests.ts';
import { isOlder, requestSeconds } from './deadlines.ts';
import { suspect } from './repair-runners.ts';
import type { Seen } from './seen.ts';
import type { Suspect } from './suspicion.ts';

type Looked = Pick<Seen, 'patience'> & { readonly live: readonly RunnerItem[] };

/**
 * Runners for whom the launcher never tried anything: their request did not reach it. Whoever was tried for and has no instance waits for
 * capacity instead, and the launcher comes back to him by itself.
 */
export function launchesToRequest({ live, patience }: Looked, now: number): Suspect[] {
  const unneeded = new Set(idleBeyondDemand(live));
  return live
    .filter(({ state, type, launchTriedAt }) => state === 'REGISTERED' && type === 'EC2' && launchTriedAt === undefined)
    .filter((item) => !unneeded.has(item) && isOlder(item.registeredAt, requestSeconds * patience, now))
    .flatMap((item) => {
      const request = launchRequestOf(item);
      const action = request && ({ do: 'request-launch', request } as const);
      return action ? [suspect('request-launch-again', item, 'its launch was never tried', action)] : [];
    });
}
