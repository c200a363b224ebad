import { type RetryMarks, type RetryReason, retryMarkKeyOf } from '../../autoscaler/runner-store/retry-marks.ts';

type Mark = { readonly interrupted: number; readonly because: RetryReason; readonly retry?: number };

export type InMemoryRetryMarks = RetryMarks & { readonly marked: ReadonlyMap<string, Mark> };

/** The marks of retried jobs in memory. */
export function inMemoryRetryMarks(): InMemoryRetryMarks {
  const marked = new Map<string, Mark>();
  return {
    marked,
    async mark(job, because) {
      const key = retryMarkKeyOf(job);
      if (job.pipelineId === null) return false;
      const mayMark = (marked.get(key)?.interrupted ?? job.jobId) === job.jobId;
      if (mayMark) marked.set(key, { because, ...marked.get(key), interrupted: job.jobId });
      return mayMark;
    },
    isMarked: async (job) => job.pipelineId !== null && marked.get(retryMarkKeyOf(job))?.interrupted === job.jobId,
    async claim(job) {
      const mark = marked.get(retryMarkKeyOf(job));
      if (job.pipelineId === null || !mark || mark.because === 'misplaced') return false;
      if (mark.interrupted >= job.jobId) return false;
      if (mark.retry === undefined) marked.set(retryMarkKeyOf(job), { ...mark, retry: job.jobId });
      return (mark.retry ?? job.jobId) === job.jobId;
    },
  };
}
