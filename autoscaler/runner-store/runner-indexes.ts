/** Finds a runner's item by the runner's id in GitLab. */
export const runnerIdIndex = 'by-runner-id';

/** Finds a runner's item by its instance; sparse, so that a foreign instance costs one small read. */
export const instanceIdIndex = 'by-instance-id';

/** Live items by what they meet: a project, or a long-lived runner. */
export const livePoolIndex = 'live-by-pool';

/**
 * Holds the items of runners that live and of jobs that are not over; sparse, so that its cost follows what is live.
 */
export const liveIndex = 'live';
