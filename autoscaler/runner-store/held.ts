import type { NotItsTurnError } from './runner-errors.ts';
import type { RunnerItem } from './runner-item.ts';

/** What a job waits for that waits for its turn. */
export const notItsTurn = 'NotItsTurnError' satisfies NotItsTurnError['name'];

/**
 * A host that is not let go waits so long for its turn, and then ends; its job waits on without one. Shorter than what
 * the boot script waits once it knows that it is held, and than the life of its ticket.
 */
export const heldSeconds = 12 * 60;

/** A runner, or one on its way, that may not ask for a job now. */
export function isHeld(item: RunnerItem): boolean {
  if (!lacksTurn(item) || item.takenJob !== undefined) return false;
  return ['ADMITTED', 'REGISTERED', 'LAUNCHED'].includes(item.state);
}

/** Its host has no token to start a runner with, whatever else became of it. */
export function lacksTurn({ gated, turnAt }: Pick<RunnerItem, 'gated' | 'turnAt'>): boolean {
  return gated === true && turnAt === undefined;
}

/** GitLab gives its runner no job as long as it is so, or may be: the calls were not both answered. */
export function mayBePaused({ pausedAt, unpausedAt }: RunnerItem): boolean {
  return pausedAt !== undefined && unpausedAt === undefined;
}

/** A job that waits for its turn without a runner. */
export function waitsForTurn({ state, waitsFor }: RunnerItem): boolean {
  return state === 'WAITING' && waitsFor?.error === notItsTurn;
}
