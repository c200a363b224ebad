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
  const verdict = (reply: JobReply, level: Verdict['level'], outcome: string): Verdict => ({
    reply,
    level,
    message: `Submitting job to coordinator...${outcome}`,
  });
  if (status === 202) {
    return verdict({ kind: 'accepted', updateIntervalMs }, 'info', 'accepted, but not yet completed');
  }
  if (status === 200 && !isOver(jobStatus)) {
    return verdict({ kind: jobStatus === 'canceling' ? 'canceling' : 'continue', updateIntervalMs }, 'info', 'ok');
  }
  if (status === 200 || status === 403 || status === 404) return verdict({ kind: 'gone' }, 'warn', ' job failed');
  if (status === 412) return verdict({ kind: 'resend', fromByte: 0 }, 'warn', ' trace validation failed');
  return verdict({ kind: 'failed' }, 'warn', ' failed');
}

/** @param range header `Range`: how much of the log GitLab has */
export function judgePatch({ status, jobStatus, updateIntervalMs }: UpdateAnswer, range: string): Verdict {
  const verdict = (reply: JobReply, level: Verdict['level'], outcome: string): Verdict => ({
    reply,
    level,
    message: `Appending trace to coordinator...${outcome}`,
  });
  if (isOver(jobStatus) || status === 403 || status === 404) return verdict({ kind: 'gone' }, 'warn', ' job failed');
  if (status === 200 || status === 202) {
    return verdict({ kind: jobStatus === 'canceling' ? 'canceling' : 'continue', updateIntervalMs }, 'info', 'ok');
  }
  if (status === 416) {
    return verdict({ kind: 'resend', fromByte: Number(range.split('-')[1] ?? 0) }, 'warn', ' range mismatch');
  }
  return verdict({ kind: 'failed' }, 'warn', ' failed');
}

function isOver(jobStatus: string): boolean {
  return jobStatus === 'canceled' || jobStatus === 'failed';
}
