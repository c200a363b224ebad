import type { ListedProject } from '../../infrastructure/lib/gitlab-listings.ts';
import type { RunnerItem } from '../runners/runner-item.ts';
import type { ReconcilerMemory } from './memory.ts';
import type { KnownProject } from './reconcile-store.ts';

/** A lost hook of a known project is found within this time, as long as there are at most {@link projectsPerPass} times as many minutes in it. */
export const roundSeconds = 5 * 60;

/** GitLab.com takes 2,000 calls a minute from one user: what we look at in one pass is a small part of that. */
export const projectsPerPass = 60;

export type Round = {
  /** Projects to look at in this pass. */
  readonly projects: readonly KnownProject[];
  readonly memory: Pick<ReconcilerMemory, 'roundStartedAt' | 'roundCursor'>;
};

/** Says whether a pass looks at projects of which nothing is live. */
export function isRoundDue({ roundStartedAt, roundCursor }: ReconcilerMemory, now: number): boolean {
  return roundCursor !== null || now - roundStartedAt >= roundSeconds * 1_000;
}

/**
 * The projects that a pass looks at: those of live items always, and the others in turns, a part in each pass, so that a round over all of them
 * begins every five minutes.
 */
export function planRound(
  known: readonly KnownProject[],
  live: readonly RunnerItem[],
  memory: ReconcilerMemory,
  now: number,
): Round {
  const ofLive = new Map(
    live.map(({ event }) => [event.projectId, { projectId: event.projectId, path: event.projectPath }] as const),
  );
  const busy = [...ofLive.values()].slice(0, projectsPerPass - 10);
  if (!isRoundDue(memory, now)) return { projects: busy, memory };
  const begins = memory.roundCursor === null;
  const after = memory.roundCursor ?? 0;
  const rest = known
    .filter(({ projectId }) => projectId > after && !busy.some((one) => one.projectId === projectId))
    .sort((a, b) => a.projectId - b.projectId);
  const part = rest.slice(0, projectsPerPass - busy.length);
  return {
    projects: [...busy, ...part],
    memory: {
      roundStartedAt: begins ? now : memory.roundStartedAt,
      roundCursor: part.length < rest.length ? (part.at(-1)?.projectId ?? null) : null,
    },
  };
}

/** What a pattern of `allowedProjects` names beyond doubt: a project, a group, or nothing (`**` and other globs are left to the hooks). */
export function namedBy(pattern: string): { readonly kind: 'project' | 'group'; readonly path: string } | null {
  if (!/[*?[\]{}()!+@|\\]/.test(pattern)) return { kind: 'project', path: pattern };
  const group = /^([^*?[\]{}()!+@|\\]+)\/\*\*?$/.exec(pattern)?.[1];
  return group === undefined ? null : { kind: 'group', path: group };
}

/** Of a group's projects those that the pattern means: `group/*` has none of the groups below. */
export function isMeantBy(pattern: string, { path }: ListedProject): boolean {
  return pattern.endsWith('/**') || path.split('/').length === pattern.split('/').length;
}
