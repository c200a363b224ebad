import type { When } from './ci-schema.ts';
import { compositeStatus } from './composite-status.ts';
import { isFinished, type Job, type JobStatus } from './job.ts';

/** A change that the state of a pipeline calls for. */
export interface PipelineStep {
  readonly jobId: number;
  readonly to: 'pending' | 'manual' | 'scheduled' | 'skipped';
}

const startsAfter: Readonly<Record<When, readonly JobStatus[]>> = {
  on_success: ['success', 'skipped'],
  manual: ['success', 'skipped'],
  delayed: ['success', 'skipped'],
  on_failure: ['failed'],
  always: ['success', 'failed', 'skipped'],
};

/**
 * What becomes of the jobs that are still `created`, given all jobs of a pipeline that were not retried. Apply the
 * steps and ask again until there are none: a skipped job lets the next stage begin.
 */
export function planPipelineSteps(jobs: readonly Job[]): readonly PipelineStep[] {
  return jobs.flatMap((job) => {
    if (job.status !== 'created') return [];
    const before = statusBefore(job, jobs);
    if (!isFinished(before)) return [];
    return [{ jobId: job.id, to: nextStatus(job, before) }];
  });
}

/** How that went for which a job waits: what it needs, or all earlier stages. Nothing to wait for counts as success. */
function statusBefore(job: Job, jobs: readonly Job[]): JobStatus {
  const { needs, stageIndex } = job.plan;
  const awaited =
    needs === null
      ? jobs.filter((other) => other.plan.stageIndex < stageIndex)
      : jobs.filter((other) => needs.includes(other.plan.entry));
  return compositeStatus(awaited, needs !== null) ?? 'success';
}

function nextStatus({ plan }: Job, before: JobStatus): PipelineStep['to'] {
  const needsSuccess = plan.needs !== null && ['on_success', 'manual', 'delayed'].includes(plan.when);
  const starts = needsSuccess ? before === 'success' : startsAfter[plan.when].includes(before);
  if (!starts) return 'skipped';
  if (plan.when === 'delayed') return 'scheduled';
  return plan.when === 'manual' ? 'manual' : 'pending';
}

/** Jobs that were skipped because of this one, so that they wait again when it is retried. */
export function findSkippedDependents(job: Job, jobs: readonly Job[]): readonly Job[] {
  const entries = new Set([job.plan.entry]);
  const dependents = new Set<Job>();
  // Needs can lead on from dependent to dependent; each round finds the next ring.
  for (let found = -1; found !== dependents.size; ) {
    found = dependents.size;
    for (const other of jobs) {
      const { needs, stageIndex, entry } = other.plan;
      const depends = needs === null ? stageIndex > job.plan.stageIndex : needs.some((need) => entries.has(need));
      if (!depends || other.id === job.id) continue;
      entries.add(entry);
      dependents.add(other);
    }
  }
  return [...dependents].filter(({ status }) => status === 'skipped');
}
