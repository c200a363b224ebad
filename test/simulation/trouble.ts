import { isTrouble, type Schedule, type Trouble } from './schedule.ts';

const gitlabKinds: readonly Trouble['kind'][] = ['gitlab-down', 'calls-limited', 'runners-limited', 'token-refused'];

/** All calls of ours that GitLab may refuse or leave unanswered: for each job, and for each minute of the trouble, by which it looks again. */
const refusals = { ofEachJob: 40, ofEachMinute: 10 };

/** What a schedule says of the trouble in it. Times are seconds from its start. */
export function troubleOf({ faults }: Pick<Schedule, 'faults'>) {
  const troubles = faults.filter(isTrouble);
  const ofGitLab = troubles.filter(({ kind }) => gitlabKinds.includes(kind));
  const minutes = ofGitLab.reduce((sum, { seconds }) => sum + seconds / 60 + 1, 0);
  return {
    /** Whether GitLab answers all the time, too. */
    isNone: troubles.length === 0 && !faults.some(({ kind }) => kind === 'gitlab-answers-lost'),
    /** Whether nothing else goes wrong. */
    isAll: troubles.length > 0 && troubles.length === faults.length,
    endsAt: Math.max(0, ...troubles.map(({ from, seconds }) => from + seconds)),
    /** More than so many refused calls are a hammering; no limit where something else makes GitLab refuse. */
    mostRefusals: (jobs: number) => refusals.ofEachJob * jobs + refusals.ofEachMinute * minutes,
  };
}
