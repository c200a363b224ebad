import type { ListedProject } from '../../../infrastructure/gitlab/gitlab-listings.ts';
import { parseJobKey } from '../../../infrastructure/kit/job-key.ts';
import type { KnownProject } from '../../runner-store/known-projects.ts';
import type { RunnerItem } from '../../runner-store/runner-item.ts';
import type { ReconcilerMemory } from './memory.ts';

/**
 * A lost hook of a known project is found within this time, as long as there are at most {@link projectsPerPass} times
 * as many minutes in it.
 */
export const roundSeconds = 5 * 60;

/** GitLab.com takes 2,000 calls a minute from one user: what we look at in one pass is a small part of that. */
export const projectsPerPass = 60;

export type Round = {
  /** Projects to look at in this pass. */
  readonly projects: readonly KnownProject[];
  readonly memory: Pick<ReconcilerMemory, 'roundStartedAt' | 'roundCursor'>;
};

/** The rest of a pass goes on with the round, whatever lives. */
const mostBusyProjects = 50;

/** What has been tried so often without effect is looked at in the rounds alone: the next try is minutes away. */
const freshTries = 2;

/** Keys of the suspicions for which each pass looks again. */
export function freshSuspicions({ suspicions }: Pick<ReconcilerMemory, 'suspicions'>): readonly string[] {
  return Object.entries(suspicions).flatMap(([key, { tries }]) => (tries <= freshTries ? [key] : []));
}

/** Says whether a pass looks at projects of which nothing is live. */
export function isRoundDue({ roundStartedAt, roundCursor }: ReconcilerMemory, now: number, patience: number): boolean {
  return roundCursor !== null || now - roundStartedAt >= roundSeconds * patience * 1_000;
}

/**
 * The projects that a pass looks at: those of live items and of new suspicions always, and the others in turns, a part
 * in each pass, so that a round over all of them begins every five minutes.
 */
export function planRound(
  known: readonly KnownProject[],
  live: readonly RunnerItem[],
  memory: ReconcilerMemory,
  now: number,
  patience: number,
): Round {
  const suspected = new Set(
    freshSuspicions(memory).flatMap((key) => parseJobKey(key.replace(/^start-lost-job /, ''))?.projectId ?? []),
  );
  // Of one for which nothing was chosen yet, a hook says the path, and GitLab was not asked.
  const ofLive = live.map(({ event, profile }) => ({
    projectId: event.projectId,
    path: profile === '' ? null : event.projectPath,
  }));
  const mattering = [
    ...known.filter(({ projectId }) => suspected.has(projectId)),
    ...ofLive.filter(({ path }) => path === null),
    ...ofLive.filter(({ path }) => path !== null),
  ];
  const busy = [...new Map(mattering.map((project) => [project.projectId, project])).values()].slice(
    0,
    mostBusyProjects,
  );
  if (!isRoundDue(memory, now, patience)) return { projects: busy, memory };
  const isBusy = new Set(busy.map(({ projectId }) => projectId));
  const begins = memory.roundCursor === null;
  const after = memory.roundCursor ?? 0;
  const rest = known
    .filter(({ projectId }) => projectId > after && !isBusy.has(projectId))
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

/**
 * What a pattern of `allowedProjects` names beyond doubt: a project, a group, or nothing (`**` and other globs are left
 * to the hooks).
 */
export function namedBy(pattern: string): { readonly kind: 'project' | 'group'; readonly path: string } | null {
  if (!/[*?[\]{}()!+@|\\]/.test(pattern)) return { kind: 'project', path: pattern };
  const group = /^([^*?[\]{}()!+@|\\]+)\/\*\*?$/.exec(pattern)?.[1];
  return group === undefined ? null : { kind: 'group', path: group };
}

/** Of a group's projects those that the pattern means: `group/*` has none of the groups below. */
export function isMeantBy(pattern: string, { path }: ListedProject): boolean {
  return pattern.endsWith('/**') || path.split('/').length === pattern.split('/').length;
}
