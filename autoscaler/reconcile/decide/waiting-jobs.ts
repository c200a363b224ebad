import type { JobEvent } from '../../../infrastructure/kit/job-event.ts';
import { isLookDue, looksOfWorkflow } from '../../demand/waits.ts';
import { isHeld, waitsForTurn } from '../../runner-store/held.ts';
import type { RunnerItem, Wait } from '../../runner-store/runner-item.ts';
import type { Seen } from '../look/seen.ts';
import { lookSeconds } from './deadlines.ts';

/** In one pass. Each asks GitLab twice, and GitLab may allow no more than some hundred calls a minute. */
const mostLooks = 300;

type Looked = Pick<Seen, 'jobs' | 'isGitLabAway' | 'patience'> & { readonly live: readonly RunnerItem[] };

/** Jobs that wait neither for a place nor for their turn: something is in the way, and the item says what. */
export function deferredJobs(live: readonly RunnerItem[]): readonly RunnerItem[] {
  return live.filter(
    (item) => item.state === 'WAITING' && item.jobState === 'PENDING' && item.waitsFor && !waitsForTurn(item),
  );
}

/** Jobs that wait for their turn, with a runner or without one. */
export function heldJobs(live: readonly RunnerItem[]): readonly RunnerItem[] {
  return live.filter((item) => item.jobState !== 'FINISHED' && (waitsForTurn(item) || isHeld(item)));
}

/**
 * Projects of which a runner is held or may ask: whatever event was lost, their gates are looked at in each pass. Each
 * with the earliest such job, which a decision then sees even where a deployment no longer looks for it.
 */
export function gatedProjects(live: readonly RunnerItem[]): ReadonlyMap<number, number> {
  const earliest = new Map<number, number>();
  for (const { gated, state, jobState, event } of live) {
    if (!gated || jobState === 'FINISHED' || state === 'RUNNING') continue;
    earliest.set(event.projectId, Math.min(event.jobId, earliest.get(event.projectId) ?? event.jobId));
  }
  return earliest;
}

/**
 * The events of deferred jobs that are to be looked at again: is it still in the way? One look is enough to ask, since
 * nothing is mended by it. While GitLab is away nobody is asked for, so that it is not overrun when it comes back.
 */
export function jobsToLookAt({ live, jobs, isGitLabAway, patience }: Looked, now: number): readonly JobEvent[] {
  if (isGitLabAway) return [];
  return deferredJobs(live)
    .filter(({ waitsFor }) => waitsFor && isLookDue(waitsFor, now, graceOf(waitsFor) * patience))
    .filter(({ pk }) => (jobs.get(pk)?.status ?? 'pending') === 'pending')
    .sort((a, b) => ((a.waitsFor?.lookAt ?? '') < (b.waitsFor?.lookAt ?? '') ? -1 : 1))
    .slice(0, mostLooks)
    .map(({ event }) => ({ ...event, deliveryId: null }));
}

/** The first looks are the workflow's, and nobody else's unless it died. */
function graceOf({ looks }: Wait): number {
  return looks <= looksOfWorkflow ? lookSeconds : 0;
}
