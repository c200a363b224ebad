import type { RunnerItem } from '../../autoscaler/runner-store/runner-item.ts';
import { type JobKey, jobKeyOf } from '../../infrastructure/kit/job-key.ts';
import type { JobView } from '../local-gitlab/job-view.ts';
import type { Placements } from './placements.ts';

export const jobRowHead = ['job', 'stage', 'status', 'runner', 'host', 'picked up after', 'as mapped'] as const;

/**
 * One row of the live table per job: what it is, where it runs, the seconds from pending to picked up, and whether it
 * runs where its mapping sends it.
 */
export function jobRows(jobs: readonly JobView[], items: readonly RunnerItem[], placements: Placements): string[][] {
  const takenBy = new Map(items.flatMap((item) => (item.takenJob ? [[item.takenJob, item] as const] : [])));
  const own = new Map<JobKey, RunnerItem>(items.map((item) => [item.pk, item]));
  return jobs.map((job) => {
    const key = jobKeyOf({ projectId: job.projectId, jobId: job.id });
    const item = takenBy.get(key) ?? own.get(key);
    const borrowed = item && item.pk !== key ? ` (made for job ${item.event.jobId})` : '';
    const waited = job.queuedAt && job.startedAt ? job.startedAt.getTime() - job.queuedAt.getTime() : null;
    return [
      job.name,
      job.stage,
      job.status,
      item ? `${item.type} ${item.profile}` : (job.runnerDescription ?? ''),
      `${item?.instanceId ?? ''}${borrowed}`,
      waited === null ? '' : `${(waited / 1_000).toFixed(1)} s`,
      placements.ofJob(job),
    ];
  });
}
