import type { RunnerItem } from '../../autoscaler/runners/runner-item.ts';
import { type JobKey, jobKeyOf } from '../../infrastructure/lib/job-key.ts';

/** What the table needs of a job in the local GitLab. Times are milliseconds since 1970. */
export type SeenJob = {
  readonly id: number;
  readonly projectId: number;
  readonly name: string;
  readonly stage: string;
  readonly status: string;
  readonly pendingAt: number | null;
  readonly startedAt: number | null;
  readonly runnerDescription: string | null;
};

export const jobRowHead = ['job', 'stage', 'status', 'runner', 'host', 'picked up after'] as const;

/** One row of the live table per job: what it is, where it runs, and the seconds from pending to picked up. */
export function jobRows(jobs: readonly SeenJob[], items: readonly RunnerItem[]): string[][] {
  const takenBy = new Map(items.flatMap((item) => (item.takenJob ? [[item.takenJob, item] as const] : [])));
  const own = new Map<JobKey, RunnerItem>(items.map((item) => [item.pk, item]));
  return jobs.map((job) => {
    const key = jobKeyOf({ projectId: job.projectId, jobId: job.id });
    const item = takenBy.get(key) ?? own.get(key);
    const borrowed = item && item.pk !== key ? ` (made for job ${item.event.jobId})` : '';
    const seconds = job.pendingAt && job.startedAt ? ((job.startedAt - job.pendingAt) / 1_000).toFixed(1) : '';
    return [
      job.name,
      job.stage,
      job.status,
      item ? `${item.type} ${item.profile}` : (job.runnerDescription ?? ''),
      `${item?.instanceId ?? ''}${borrowed}`,
      seconds && `${seconds} s`,
    ];
  });
}
