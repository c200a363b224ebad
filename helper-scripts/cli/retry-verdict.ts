import type { RunnerItem } from '../../autoscaler/runner-store/runner-item.ts';

/** Whether a job's runner can be asked for now. `attempts`: the job gets its attempts back first. */
export type RetryVerdict =
  | { readonly kind: 'ask'; readonly attempts: boolean; readonly says: string }
  | { readonly kind: 'refuse'; readonly why: string };

/** Judges from a job's item whether asking for its runner can help. */
export function judgeRetry({ state, jobState, attempt }: RunnerItem): RetryVerdict {
  const refuse = (why: string): RetryVerdict => ({ kind: 'refuse', why });
  if (jobState === 'FINISHED') return refuse('it is over; retry it in GitLab, which makes a new job of it');
  if (jobState === 'RUNNING') return refuse('it runs already');
  switch (state) {
    case 'FAILED':
      return { kind: 'ask', attempts: true, says: 'has all its attempts again, and its runner is asked for now' };
    case 'WAITING':
      return { kind: 'ask', attempts: false, says: 'is looked at now; it waits on when nothing has changed' };
    case 'RELEASED':
      return { kind: 'ask', attempts: false, says: 'gets its next runner now' };
    case 'ADMITTED':
    case 'REGISTERED':
    case 'LAUNCHED':
      return refuse(
        `its runner is on the way (attempt ${attempt}, ${state}); when that fails, the next comes by itself`,
      );
    case 'RUNNING':
    case 'STOPPING':
      return refuse(`its runner serves another job (${state}), and the next one comes by itself`);
  }
}
