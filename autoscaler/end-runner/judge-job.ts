/** What GitLab says about the end of a job; `finishedAt` is ISO 8601. */
export type JobEnd = {
  readonly status: string;
  readonly failureReason: string | null;
  readonly finishedAt: string | null;
};

/**
 * How GitLab says that a job ended with its host instead of by its own doing. What a runner reports that was told to
 * stop: `runner_interrupted` since 19.1, before that one of the next two, and one of these or the next when its host
 * took docker away while it prepared the job. What GitLab concludes by itself when it hears no more: the others.
 * Source: https://docs.gitlab.com/ci/yaml/#retrywhen
 */
export const interruptionReasons = [
  'runner_interrupted',
  'runner_system_failure',
  'unknown_failure',
  'image_pull_failure',
  'runner_external_dependency_failure',
  'no_updates_running',
  'stuck_or_timeout_failure',
] as const;

/** The host may see the warning, and GitLab's clock may be, this much earlier than EC2's event says. */
const clockSlackMilliseconds = 15_000;

export type JobVerdict = {
  /** Nobody else will end it: GitLab would wait for its host for half an hour or more. */
  readonly cancel: boolean;
  /** It ended by a spot interruption and by nothing else. */
  readonly interrupted: boolean;
};

const leave: JobVerdict = { cancel: false, interrupted: false };

/**
 * What a job needs whose runner was interrupted. `interruptedAt`: when EC2 announced it; undefined when it did not, and
 * then the job itself may have brought its host down. `canceledByUs`: an earlier try came as far as that.
 */
export function judgeJob(
  job: JobEnd,
  {
    hostGone,
    interruptedAt,
    canceledByUs,
  }: { hostGone: boolean; interruptedAt: string | undefined; canceledByUs: boolean },
): JobVerdict {
  const announced = interruptedAt !== undefined;
  switch (job.status) {
    case 'running':
      return hostGone ? { cancel: true, interrupted: announced } : leave;
    case 'canceling':
      return { cancel: hostGone, interrupted: announced && canceledByUs };
    case 'canceled':
      return { cancel: false, interrupted: announced && canceledByUs };
    case 'failed': {
      if (!announced || !interruptionReasons.some((reason) => reason === job.failureReason)) return leave;
      const earliest = Date.parse(interruptedAt) - clockSlackMilliseconds;
      return { cancel: false, interrupted: job.finishedAt === null || Date.parse(job.finishedAt) >= earliest };
    }
    default:
      return leave;
  }
}
