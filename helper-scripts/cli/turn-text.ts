import type { GateItem, Hold } from '../../autoscaler/runner-store/gate-item.ts';
import { isHeld, waitsForTurn } from '../../autoscaler/runner-store/held.ts';
import type { RunnerItem } from '../../autoscaler/runner-store/runner-item.ts';
import { ageText } from './time-text.ts';

/** What a runner is held for, by the gate of its project; nothing where that does not say. */
export type HoldOf = (item: RunnerItem) => Hold | undefined;

export const turnRemedy = 'tags of its own for the profile spare the wait, a lower "exact" in the row shortens it';

/** Whether a job waits for its turn, with a runner or without one. */
export function isWaitingForTurn(item: RunnerItem): boolean {
  return isHeld(item) || waitsForTurn(item);
}

/** What stands in the gates of these projects. */
export function holdsIn(gates: readonly GateItem[]): HoldOf {
  return ({ event, profile, tags }) =>
    gates
      .find(({ pk }) => pk === `gate#${event.projectId}`)
      ?.holds.find((hold) => hold.profile === profile && hold.tags.join() === [...tags].sort().join());
}

/** For which job a runner is held, and for how long nobody has started that one. `now`: milliseconds since 1970. */
export function turnText(hold: Hold | undefined, now: number): string {
  if (!hold) return 'waits for its turn: GitLab would give its runner an earlier job';
  const { behind, of, profile, stuckSince } = hold;
  const whose =
    of === profile ? 'is for a runner like it' : of === null ? 'is left to other runners' : `is to run on ${of}`;
  const stuck = stuckSince === null ? '' : `, and nobody has started it for ${ageText(now - stuckSince)}`;
  return `waits for its turn: job ${behind} comes first, which ${whose}${stuck}`;
}
