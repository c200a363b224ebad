import type { RunnerToStop } from '../end-runner/stop-runner-input.ts';
import type { Interruption } from '../events/instance-event.ts';
import type { RunnerItem } from '../runner-store/runner-item.ts';
import { explainStateReason } from '../runner-types/ec2/state-reason.ts';

/** What follows for a runner from what EC2 says about its instance. `mend`: its job may need to be ended or retried. */
export type InterruptionPlan = {
  readonly stop: Pick<RunnerToStop, 'reason' | 'force' | 'failure'> | null;
  readonly mend: { readonly hostGone: boolean } | null;
};

const nothing: InterruptionPlan = { stop: null, mend: null };

/**
 * A host that cannot serve a job ends before it takes one: without docker, without space on its disk, when its boot
 * hook fails.
 */
const diedIdle = 'its instance ended before it took a job';

/**
 * What to do when an instance is taken back or ends. An idle runner goes at once, and its job gets another one: for
 * EC2's interruption without counting it as a failed attempt, for a host that died otherwise with counting it, since a
 * host that never works would else be launched for ever. The job of a busy runner has two minutes, or as long as a
 * shutdown takes, in which its host reports how it ended; only when the host is gone is the runner ended whatever
 * GitLab says about its job.
 */
export function planInterruption(
  item: RunnerItem,
  { kind }: Interruption,
  stateReason: string | null,
): InterruptionPlan {
  const lives = item.state === 'LAUNCHED' || item.state === 'RUNNING';
  const died = item.interruptedAt === undefined ? { failure: `${diedIdle}; ${explainStateReason(stateReason)}` } : {};
  switch (kind) {
    case 'warning':
      return {
        stop: lives ? { reason: 'EC2 takes its spot instance back', force: false } : null,
        // The host saw the warning as soon as we did: its job may be over already.
        mend: { hostGone: false },
      };
    case 'ending':
      // This is also how every host ends whose job is over.
      if (item.state !== 'LAUNCHED' || item.takenJob) return nothing;
      return { stop: { reason: 'its instance shuts down', force: false, ...died }, mend: null };
    case 'gone':
      if (!lives) return nothing;
      return { stop: { reason: 'its instance is gone', force: true, ...died }, mend: { hostGone: true } };
  }
}
