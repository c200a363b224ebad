import { type RetryMarks, retryMarkKeyOf } from '../../autoscaler/runners/retry-marks.ts';

export type InMemoryRetryMarks = RetryMarks & {
  readonly marked: ReadonlyMap<string, { readonly interrupted: number; readonly retry?: number }>;
};

/** The marks of retried jobs in memory. */
export function inMemoryRetryMarks(): InMemoryRetryMarks {
  const marked = new Map<string, { readonly interrupted: number; readonly retry?: number }>();
  return {
    marked,
    async mark(job) {
      const key = retryMarkKeyOf(job);
      if (job.pipelineId === null) return false;
      if (!marked.has(key)) marked.set(key, { interrupted: job.jobId });
      return marked.get(key)?.interrupted === job.jobId;
    },
    isMarked: async (job) => job.pipelineId !== null && marked.get(retryMarkKeyOf(job))?.interrupted === job.jobId,
    async claim(job) {
      const mark = marked.get(retryMarkKeyOf(job));
      if (job.pipelineId === null || !mark || mark.interrupted >= job.jobId) return false;
      if (mark.retry === undefined) marked.set(retryMarkKeyOf(job), { ...mark, retry: job.jobId });
      return (mark.retry ?? job.jobId) === job.jobId;
    },
  };
}
