import { runnerSentences } from '../../infrastructure/gitlab-runner/runner-log-sentences.ts';

/** What GitLab says about a job in its answer to any update. */
export type JobReply =
  | { readonly kind: 'continue'; readonly updateIntervalMs: number }
  /** The user cancels, and the job may still clean up. */
  | { readonly kind: 'canceling'; readonly updateIntervalMs: number }
  /** The job is over for GitLab. */
  | { readonly kind: 'gone' }
  /** Accepted, but to be asked again (202 to the final update). */
  | { readonly kind: 'accepted'; readonly updateIntervalMs: number }
  /** The stored log ends elsewhere: 416 says where, after 412 all of it is sent again. */
  | { readonly kind: 'resend'; readonly fromByte: number }
  /** GitLab has no place for the log; that alone does not end a job. */
  | { readonly kind: 'no-log' }
  | { readonly kind: 'failed' };

/** The parts of an answer that decide. */
export interface UpdateAnswer {
  readonly status: number;
  /** Header `Job-Status`. */
  readonly jobStatus: string;
  readonly updateIntervalMs: number;
}

/** A reply, and the line that the released binary logs for it. */
export interface Verdict {
  readonly reply: JobReply;
  readonly level: 'info' | 'warn';
  readonly message: string;
}

export function judgeUpdate({ status, jobStatus, updateIntervalMs }: UpdateAnswer): Verdict {
  const gone = (message: string): Verdict => ({ reply: { kind: 'gone' }, level: 'warn', message });
  if (isOver(jobStatus) || status === 403) return gone(runnerSentences.updateOfEndedJob.says);
  switch (status) {
    case 200: {
      const kind = jobStatus === 'canceling' ? 'canceling' : 'continue';
      return { reply: { kind, updateIntervalMs }, level: 'info', message: runnerSentences.updateTaken.says };
    }
    case 202:
      return {
        reply: { kind: 'accepted', updateIntervalMs },
        level: 'info',
        message: runnerSentences.updateOpen.says,
      };
    case 404:
      return gone(runnerSentences.updateOfUnknownJob.says);
    case 412:
      return {
        reply: { kind: 'resend', fromByte: 0 },
        level: 'info',
        message: 'Submitting job to coordinator...trace validation failed',
      };
    default:
      return { reply: { kind: 'failed' }, level: 'warn', message: runnerSentences.updateFailed.says };
  }
}

/** @param range header `Range`: how much of the log GitLab has */
export function judgePatch({ status, jobStatus, updateIntervalMs }: UpdateAnswer, range: string): Verdict {
  const verdict = (reply: JobReply, level: Verdict['level'], outcome: string): Verdict => ({
    reply,
    level,
    message: `Appending trace to coordinator...${outcome}`,
  });
  if (isOver(jobStatus) || status === 403) return verdict({ kind: 'gone' }, 'warn', ' job failed');
  switch (status) {
    case 202:
      return verdict({ kind: jobStatus === 'canceling' ? 'canceling' : 'continue', updateIntervalMs }, 'info', 'ok');
    case 404:
      return verdict({ kind: 'no-log' }, 'warn', ' not-found');
    case 416:
      return verdict({ kind: 'resend', fromByte: Number(range.split('-')[1] ?? 0) }, 'warn', ' range mismatch');
    default:
      return verdict({ kind: 'failed' }, 'warn', ' failed');
  }
}

function isOver(jobStatus: string): boolean {
  return jobStatus === 'canceled' || jobStatus === 'failed';
}
