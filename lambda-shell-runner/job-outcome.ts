import { withTrustRemedy } from '../infrastructure/gitlab/gitlab-trust.ts';
import { sentenceOf } from '../infrastructure/gitlab-runner/runner-log-sentences.ts';
import type { RunnerDoings } from './runner-deadlines.ts';
import { GitLabUnreachableError, RunnerCrashedError, RunnerNotStartedError } from './runner-errors.ts';
import type { RunnerStory, TakenJob } from './runner-story.ts';

/** How one execution went: what the function returns and logs. */
export type JobOutcome = {
  readonly outcome:
    | 'job-succeeded'
    | 'job-failed'
    | 'no-job'
    | 'ticket-missing'
    | 'runner-refused'
    /** The function's time was up while a job ran. */
    | 'out-of-time';
  /** The job that the runner took, which need not be the one that it was started for. */
  readonly takenJobId?: number;
  /**
   * GitLab's name for what went wrong, or `canceled_before_start`, or `runner_ended` when gitlab-runner was gone before
   * the job.
   */
  readonly failureReason?: string;
  /** Exit code of the job's script. */
  readonly exitCode?: number;
  /** GitLab knows how the job ended. When false, it still shows the job as running. */
  readonly reported?: boolean;
  /** Why there was no job, as gitlab-runner put it. */
  readonly detail?: string;
};

/** How gitlab-runner's process ended; both null when not even SIGKILL ended it. */
export type RunnerExit = { readonly code: number | null; readonly signal: string | null };

/**
 * Reads the outcome from what was seen of a runner.
 *
 * @throws {RunnerNotStartedError} when the operating system could not start it.
 * @throws {RunnerCrashedError} when it ended by itself before it could take a job.
 * @throws {GitLabUnreachableError} when it had no job because GitLab did not answer it.
 */
export function outcomeOf(story: RunnerStory, doings: RunnerDoings, exit: RunnerExit): JobOutcome {
  if (story.job) return jobOutcomeOf(story.job, doings.interrupted?.because === 'out-of-time');
  const endedByItself = doings.interrupted === null && doings.killedAt === null;
  // What a shell says that could not become the program.
  if (!story.configRead && (exit.code === 126 || exit.code === 127)) throw notStarted(story);
  if (!story.configRead || (endedByItself && exit.code !== 0)) throw crashOf(story, exit);
  const refused = doings.removed ? doings.removed.because === 'refused' : story.refused;
  const { trouble } = story;
  const detail = trouble && withTrustRemedy(trouble);
  // Said as a success it would be found minutes later, when somebody misses the runner.
  if (!refused && detail && gitlabDidNotAnswer(trouble)) throw new GitLabUnreachableError(detail);
  return { outcome: refused ? 'runner-refused' : 'no-job', ...(detail ? { detail } : {}) };
}

/**
 * Whether gitlab-runner's last request for a job failed on the way, or was put off. What GitLab refuses (401, 403) is
 * an answer. The words are those of gitlab-runner 19.3 (`POST https://...: 401 Unauthorized`).
 */
function gitlabDidNotAnswer(trouble: string): boolean {
  const status = Number(/: (\d{3}) [A-Z]/u.exec(trouble)?.[1] ?? 0);
  const isRefusal = status >= 400 && status < 500 && ![408, 409, 429].includes(status);
  const sentence = sentenceOf(trouble);
  return sentence === 'askingUnavailable' || (sentence === 'askingFailed' && !isRefusal);
}

function jobOutcomeOf(job: TakenJob, outOfTime: boolean): JobOutcome {
  const taken = { takenJobId: job.id, reported: job.reported };
  switch (job.phase) {
    case 'succeeded':
      return { outcome: 'job-succeeded', ...taken };
    case 'failed':
      return {
        outcome: outOfTime ? 'out-of-time' : 'job-failed',
        ...taken,
        ...(job.failureReason === null ? {} : { failureReason: job.failureReason }),
        ...(job.exitCode === null ? {} : { exitCode: job.exitCode }),
      };
    case 'withdrawn':
      return { outcome: 'job-failed', ...taken, failureReason: 'canceled_before_start' };
    case 'received':
    case 'running':
      return outOfTime
        ? { outcome: 'out-of-time', ...taken }
        : { outcome: 'job-failed', ...taken, failureReason: 'runner_ended' };
  }
}

function notStarted({ trouble }: RunnerStory): RunnerNotStartedError {
  return new RunnerNotStartedError(
    `cannot start gitlab-runner: is it a program for this architecture? ${trouble ?? 'nothing more is known'}`,
  );
}

function crashOf({ configRead, trouble }: RunnerStory, { code, signal }: RunnerExit): RunnerCrashedError {
  const when = configRead ? 'before it had a job' : 'before it asked GitLab for a job';
  const how = code === null ? `signal ${signal ?? 'unknown'}` : `exit code ${code}`;
  return new RunnerCrashedError(
    `gitlab-runner ended ${when} (${how}): ${trouble ?? 'it logged no reason; see its lines in this log'}`,
  );
}
