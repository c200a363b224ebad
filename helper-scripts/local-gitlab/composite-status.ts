import type { Job, JobStatus } from './job.ts';

/** A pipeline's or stage's status: a job's, without the states that only one job can have. */
export type CompositeStatus = JobStatus;

type Part = JobStatus | 'success_with_warnings' | 'ignored';

/**
 * One status for several jobs, in the order of decisions that GitLab's `Gitlab::Ci::Status::Composite` makes.
 * @param byNeeds the jobs are those that another one needs, instead of a stage or a pipeline
 */
export function compositeStatus(jobs: readonly Job[], byNeeds = false): CompositeStatus | null {
  if (jobs.length === 0) return null;
  const parts = new Set(jobs.map(partOf));
  const has = (...names: readonly Part[]): boolean => names.some((name) => parts.has(name));
  const only = (...names: readonly Part[]): boolean => [...parts].every((part) => names.includes(part));

  if (byNeeds && has('skipped', 'ignored')) return 'skipped';
  if (byNeeds && !only('success', 'failed', 'canceled', 'skipped', 'success_with_warnings')) return 'pending';
  if (only('skipped', 'ignored')) return 'skipped';
  if (only('success', 'skipped', 'success_with_warnings', 'ignored')) return 'success';
  if (only('created', 'success_with_warnings', 'ignored')) return 'created';
  if (only('canceled', 'success', 'skipped', 'success_with_warnings', 'ignored')) return 'canceled';
  if (only('pending', 'created', 'skipped', 'success_with_warnings', 'ignored')) return 'pending';
  if (has('running', 'pending')) return 'running';
  if (has('canceling')) return 'canceling';
  if (has('waiting_for_resource')) return 'waiting_for_resource';
  if (has('manual')) return 'manual';
  if (has('scheduled')) return 'scheduled';
  if (has('created')) return 'running';
  return 'failed';
}

function partOf({ status, plan }: Job): Part {
  if (!plan.allowFailure) return status;
  if (status === 'failed' || status === 'canceled') return 'success_with_warnings';
  return status === 'manual' ? 'ignored' : status;
}
