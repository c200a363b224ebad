import type { RunnerItem } from '../../autoscaler/runner-store/runner-item.ts';
import type { LambdaRunnerPayload } from '../../infrastructure/kit/runner-ticket.ts';
import { pathOf, refAndStage } from './schedule.ts';
import type { SimulatedJob } from './simulated-job.ts';
import type { Watched } from './watched.ts';

type TruthWatch = {
  readonly fail: (invariant: string, what: string) => void;
  readonly watched: () => Pick<Watched, 'gitlab' | 'isOurs' | 'isCalm' | 'profilesOf' | 'settings' | 'now'>;
};

/** Of a function's time for its job. */
const shortestLifeMilliseconds = 12 * 60_000;

/** Watches that what is done for a job follows from what GitLab says of it, whatever hooks say. */
export function createTruthWatch({ fail, watched }: TruthWatch) {
  const notTrue = '10 nothing follows from what is not true';

  /** A runner is about to be made: for a job that GitLab has, by its true words, and where its mapping sends it. */
  function checkAdmitted({ pk, event, profile, jobState }: RunnerItem): void {
    const { gitlab, profilesOf } = watched();
    const job = gitlab.jobs.get(event.jobId);
    if (job?.plan.projectId !== event.projectId) {
      fail(notTrue, `${pk} gets a runner, and is no job of GitLab's`);
      return;
    }
    sawTold(event);
    const { ref, stage } = event;
    if (ref !== refAndStage.ref || stage !== refAndStage.stage)
      fail(notTrue, `${pk} gets a runner as a job of ref ${ref} and stage ${stage}`);
    // A stand-in is made in the name of a job that runs, for another one.
    const forWhom = jobState === 'PENDING' ? [job] : [...gitlab.jobs.values()];
    if (!forWhom.some((one) => profilesOf(one).includes(profile)))
      fail(notTrue, `${pk} gets a runner of ${profile}, which is for ${profilesOf(job)} by its mapping`);
  }

  /** What a runner, and so a session tag, is told of its job. */
  function sawTold({ jobId, jobName, projectPath }: LambdaRunnerPayload['job']): void {
    const plan = watched().gitlab.jobs.get(jobId)?.plan;
    if (plan?.name !== jobName || pathOf(plan.projectId) !== projectPath)
      fail(notTrue, `job ${jobId} is told as ${jobName} of ${projectPath}`);
  }

  return {
    sawTold,
    /** An item as it was just written. */
    sawItem(item: RunnerItem): void {
      if (item.state === 'ADMITTED') checkAdmitted(item);
      const { isCalm, settings, gitlab } = watched();
      if (item.state !== 'FAILED' || !isCalm || !settings.reconciler) return;
      // Whoever has its job left a host without one, which ends by itself.
      if (gitlab.jobs.get(item.event.jobId)?.status !== 'pending') return;
      fail('10 lies cost no attempt', `attempt ${item.attempt} of ${item.pk} failed: ${item.failure}`);
    },
    /** Our control plane cancels a job: of its own accord, for its host is dead. */
    sawCancel({ id, startedAt }: SimulatedJob): void {
      const { isCalm, now } = watched();
      // No function lives for much longer, whatever it has got.
      const mayBeOverdue = startedAt !== null && now() - startedAt > shortestLifeMilliseconds;
      if (isCalm && !mayBeOverdue) fail('10 no job ends for a lie', `job ${id} is canceled`);
    },
  };
}
