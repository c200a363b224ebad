import type { RunnerSign } from './runner-log.ts';

/** The job that the runner took. `withdrawn`: canceled at hand-over, so that no script of it ever ran. */
export type TakenJob = { readonly id: number; readonly reported: boolean } & (
  | { readonly phase: 'received' | 'running' | 'withdrawn' | 'succeeded' }
  | { readonly phase: 'failed'; readonly failureReason: string | null; readonly exitCode: number | null }
);

/** What the runner's log has told so far. */
export type RunnerStory = {
  /** The runner has read its configuration, which therefore is not needed any more. */
  readonly configRead: boolean;
  /** GitLab refused the runner; gitlab-runner would now sleep for five minutes. */
  readonly refused: boolean;
  readonly job: TakenJob | null;
  /** The last thing that went wrong while it asked for a job. */
  readonly trouble: string | null;
};

export const untoldStory: RunnerStory = { configRead: false, refused: false, job: null, trouble: null };

/** Adds one sign to the story. */
export function continueStory(story: RunnerStory, sign: RunnerSign): RunnerStory {
  switch (sign.kind) {
    case 'config-read':
      return { ...story, configRead: true };
    case 'job-received':
      return { ...story, configRead: true, job: { id: sign.jobId, phase: 'received', reported: false } };
    case 'update-answered':
      return { ...story, job: story.job && withAnswer(story.job, sign) };
    case 'job-ended':
      return { ...story, job: story.job && withEnd(story.job, sign) };
    case 'not-healthy':
      return { ...story, refused: true };
    case 'trouble':
      return { ...story, trouble: sign.detail };
    case 'other':
      return story;
  }
}

/** The runner works on a job now, as far as its log tells. */
export function hasRunningJob({ job }: RunnerStory): boolean {
  return job?.phase === 'received' || job?.phase === 'running';
}

/**
 * The first answer says whether the job may begin: a job that was canceled meanwhile is refused, or accepted as `canceling`. Without an
 * answer it begins. Later answers while it runs (kept alive, canceled by the user) change nothing, since the runner then ends the job
 * and says so.
 */
function withAnswer(job: TakenJob, { answer, jobStatus }: RunnerSign & { kind: 'update-answered' }): TakenJob {
  if (job.phase === 'succeeded' || job.phase === 'failed')
    return { ...job, reported: job.reported || answer !== 'open' };
  if (job.phase !== 'received') return job;
  const withdrawn = answer === 'refused' || jobStatus.startsWith('cancel');
  return {
    id: job.id,
    ...(withdrawn ? { phase: 'withdrawn', reported: true } : { phase: 'running', reported: false }),
  };
}

function withEnd(job: TakenJob, end: RunnerSign & { kind: 'job-ended' }): TakenJob {
  const { succeeded, failureReason, exitCode } = end;
  if (succeeded) return { id: job.id, phase: 'succeeded', reported: false };
  return { id: job.id, phase: 'failed', failureReason, exitCode, reported: false };
}
