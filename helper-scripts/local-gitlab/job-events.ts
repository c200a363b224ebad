import type { GitLabPorts, GitLabStore } from './gitlab-store.ts';
import type { Hook } from './hook.ts';
import type { Instance } from './instance.ts';
import type { JobStatus } from './job.ts';
import { renderJobHook } from './job-hook-payload.ts';
import type { JobChange } from './jobs.ts';

/** Something to tell one hook. */
export interface HookEvent {
  readonly hook: Hook;
  readonly jobId: number;
  readonly status: JobStatus;
  readonly previousStatus: JobStatus | null;
  readonly payload: Readonly<Record<string, unknown>>;
}

/** The only changes that GitLab tells anyone about; `skipped`, `manual` and `canceling` never arrive. */
const toldStatuses: ReadonlySet<JobStatus> = new Set([
  'created',
  'pending',
  'running',
  'success',
  'failed',
  'canceled',
]);

/** The deliveries that a change of a job causes: one for each hook of its project that wants job events. */
export function jobEvents(
  change: JobChange,
  store: GitLabStore,
  instance: Instance,
  ports: Pick<GitLabPorts, 'now'>,
): readonly HookEvent[] {
  const { job, from, to } = change;
  // A skipped job that waits again is `created` once more, but only its birth is told.
  if (!toldStatuses.has(to) || (to === 'created' && from !== null)) return [];
  const payload = renderJobHook({
    instance,
    project: store.project(job.projectId),
    pipeline: store.pipeline(job.pipelineId),
    siblings: store.presentJobs(job.pipelineId),
    job,
    runner: job.runnerId === null ? null : (store.runners.get(job.runnerId) ?? null),
    now: ports.now(),
  });
  return [...store.hooks.values()]
    .filter((hook) => hook.projectId === job.projectId && hook.jobEvents)
    .map((hook) => ({ hook, jobId: job.id, status: to, previousStatus: from, payload }));
}
