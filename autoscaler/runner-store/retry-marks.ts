/** A job as its retry has it too: another id, but the same name in the same pipeline. */
export type MarkableJob = {
  readonly projectId: number;
  readonly jobId: number;
  /** Null when GitLab does not say: such a job cannot be marked. */
  readonly pipelineId: number | null;
  readonly jobName: string;
};

/** Why a job is retried: a spot interruption ended it, or it failed on a runner of another profile than its own. */
export type RetryReason = 'interrupted' | 'misplaced';

/**
 * Marks of jobs that are retried because of an interruption, or of a wrong runner. GitLab's hook of the new job may
 * come before GitLab's answer to the retry, or its answer may be lost: so the mark is made before the retry is asked
 * for, and names what both jobs have in common. It is good for one retry, whatever for: the first job of that name with
 * a higher id is the one.
 */
export type RetryMarks = {
  /** Marks a job; false when another one of its name in its pipeline is marked: one retry is all. */
  mark(job: MarkableJob, because: RetryReason): Promise<boolean>;
  /** Whether this very job is marked. */
  isMarked(job: MarkableJob): Promise<boolean>;
  /** Whether a job is the one retry of an interrupted job. Asked again about the same job it answers the same. */
  claim(job: MarkableJob): Promise<boolean>;
};

/** Key in the runners table. */
export function retryMarkKeyOf({ projectId, pipelineId, jobName }: MarkableJob): string {
  return `retry#${projectId}#${pipelineId}#${jobName}`;
}
