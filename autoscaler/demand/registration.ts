import type { RunnerItem } from '../runner-store/runner-item.ts';

/**
 * Whether GitLab has no room for a runner of the job: "Maximum number of ci registered project runners (50) exceeded".
 * Other limits of GitLab's pass by themselves.
 */
export function waitsForRegistration({ state, waitsFor }: Pick<RunnerItem, 'state' | 'waitsFor'>): boolean {
  return state === 'WAITING' && waitsFor?.error === 'GitLabLimitError' && /registered .*runners/.test(waitsFor.message);
}

/** The first job of a project that waits for such room. */
export function firstForRegistration(live: readonly RunnerItem[]): RunnerItem | null {
  const waiting = live.filter((item) => item.jobState === 'PENDING' && waitsForRegistration(item));
  return waiting.sort((a, b) => a.event.jobId - b.event.jobId)[0] ?? null;
}
