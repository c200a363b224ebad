import type { Log } from '../../infrastructure/kit/lambda/log.ts';
import type { EventBus } from '../events/event-bus.ts';
import type { GateQueue } from './gate-queue.ts';
import { type TurnsWanted, wantTurns } from './turns-wanted.ts';

export type OneAtATimePorts = {
  readonly gateQueue: GateQueue;
  readonly bus: EventBus;
  readonly now: () => number;
  readonly randomId: () => string;
};

/** No decision is begun when less time than this is left, since one may take as long. */
export const decisionMilliseconds = 10_000;

/**
 * Decides about a project for an event, and for those that come meanwhile; or leaves that to whoever decides already.
 * `decide` gets the jobs that something happened to.
 */
export async function oneAtATime(
  { projectId, jobId }: TurnsWanted,
  { gateQueue, bus, now, randomId }: OneAtATimePorts,
  { log, remainingMilliseconds }: { readonly log: Log; readonly remainingMilliseconds: () => number },
  decide: (jobIds: readonly number[]) => Promise<void>,
): Promise<void> {
  const keeper = { id: randomId(), until: now() + remainingMilliseconds() };
  const left = await gateQueue.join(projectId, jobId, keeper, now());
  if (!left) {
    log.info('handed on to the decision under way');
    return;
  }
  let jobIds: readonly number[] | null = jobId === null ? left : [...left, jobId];
  try {
    while (jobIds) {
      await decide(jobIds);
      if (remainingMilliseconds() < decisionMilliseconds) break;
      jobIds = await gateQueue.next(projectId, keeper);
    }
  } catch (error) {
    // What was handed on stays there for this event, which comes again, or for the next one.
    await gateQueue
      .leave(projectId, keeper)
      .catch((reason: unknown) => log.warn('the project is left when its time is over', { error: reason }));
    throw error;
  }
  if (jobIds && (await gateQueue.leave(projectId, keeper))) await wantTurns(bus, projectId, null);
}
