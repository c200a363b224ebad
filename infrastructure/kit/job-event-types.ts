// Without the schema library, so that the ingest Lambda can import it.

/** `Source` of every event that the ingest Lambda puts on the deployment's bus. */
export const jobEventSource = 'gitlab-runners-on-demand';

/**
 * What can happen to a job, as `DetailType` on the bus. `Job Pending`: it waits, or may do so, which GitLab is asked
 * about.
 */
export const jobEventTypes = ['Job Pending', 'Job Running', 'Job Finished'] as const;
export type JobEventType = (typeof jobEventTypes)[number];

/** GitLab's states of a job that does not wait for a runner yet. Source: https://docs.gitlab.com/api/jobs/ */
export const statusesBeforePending = [
  'created',
  'waiting_for_resource',
  'waiting_for_callback',
  'preparing',
  'scheduled',
  'manual',
  'skipped',
] as const;

/** Whether a status says that a job does not wait for a runner yet. */
export function isBeforePending(status: unknown): boolean {
  return statusesBeforePending.some((one) => one === status);
}

/**
 * What a job's status is told as; null when it tells nothing. A state before `pending`, and one that runs on a runner
 * that is not named, may be the only word of a job that waits.
 */
export function jobEventTypeOf(status: unknown, runnerId: unknown): JobEventType | null {
  switch (status) {
    case 'pending':
      return 'Job Pending';
    case 'running':
      return runnerId === null ? 'Job Pending' : 'Job Running';
    case 'success':
    case 'failed':
    case 'canceled':
      return 'Job Finished';
    default:
      return isBeforePending(status) ? 'Job Pending' : null;
  }
}
