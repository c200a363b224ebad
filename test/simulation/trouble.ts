import { isTrouble, type Schedule, type Trouble } from './schedule.ts';

const gitlabKinds: readonly Trouble['kind'][] = ['gitlab-down', 'calls-limited', 'runners-limited', 'token-refused'];

/**
 * All calls of ours that GitLab may refuse or leave unanswered. For each job the workflow looks four times, and each
 * time asks up to four times; the reconciler asks up to five things at once, and then stops for a minute.
 */
const refusals = { ofEachJob: 20, ofEachMinute: 5, ofEachLie: 16 };

/** What a schedule says of the trouble in it. Times are seconds from its start. */
export function troubleOf({ faults }: Pick<Schedule, 'faults'>) {
  const troubles = faults.filter(isTrouble);
  const ofGitLab = troubles.filter(({ kind }) => gitlabKinds.includes(kind));
  const minutes = ofGitLab.reduce((sum, { seconds }) => sum + seconds / 60 + 1, 0);
  const lies = faults.filter(({ kind }) => kind === 'hook-lie').length;
  const replays = 1 + faults.filter(({ kind }) => kind === 'archive-replayed').length;
  return {
    /** Whether GitLab answers all the time, too. */
    isNone: troubles.length === 0 && !faults.some(({ kind }) => kind === 'gitlab-answers-lost'),
    /** Whether nothing else goes wrong. */
    isAll: troubles.length > 0 && troubles.length === faults.length,
    endsAt: Math.max(0, ...troubles.map(({ from, seconds }) => from + seconds)),
    /** More than so many refused calls are a hammering; no limit where something else makes GitLab refuse. */
    mostRefusals: (jobs: number) =>
      refusals.ofEachJob * jobs + refusals.ofEachLie * lies * replays + refusals.ofEachMinute * minutes,
  };
}
