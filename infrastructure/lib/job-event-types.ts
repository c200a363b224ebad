// Without the schema library, so that the ingest Lambda can import it.

/** `Source` of every event that the ingest Lambda puts on the deployment's bus. */
export const jobEventSource = 'gitlab-runners-on-demand';

/** What can happen to a job, as `DetailType` on the bus. */
export const jobEventTypes = ['Job Pending', 'Job Running', 'Job Finished'] as const;
export type JobEventType = (typeof jobEventTypes)[number];
