import type { Jobs } from './jobs.ts';

/** Lets delayed jobs (`start_in`) begin when their time has come, until GitLab stops. */
export function watchDelayedJobs(jobs: Jobs, stopped: AbortSignal): void {
  const timers = new Set<NodeJS.Timeout>();
  jobs.onChange(({ job, to }) => {
    if (to !== 'scheduled') return;
    const timer = setTimeout(
      () => {
        timers.delete(timer);
        jobs.beginScheduled(job.id);
      },
      (job.plan.startInSeconds ?? 0) * 1_000,
    );
    timers.add(timer);
  });
  stopped.addEventListener('abort', () => {
    for (const timer of timers) clearTimeout(timer);
  });
}
