/**
 * How long each step of a runner's life may take before the reconciler takes it for dead. Each is longer than what ends
 * the step by itself, and counts times the deployment's `reconciler.patience`; those that follow from a job's own
 * time-out or from the launch queue are never shortened. What differs by type is in `runner-types/`.
 */

/**
 * ADMITTED: an express workflow lives for four minutes, AbandonRunner included, and its last Lambda for half a minute.
 */
export const startSeconds = 5 * 60;

/**
 * REGISTERED on EC2, and never tried for: the workflow asks for the launch within seconds, and a message whose launcher
 * died comes again after a minute and a half. A request too many does nothing.
 */
export const requestSeconds = 2 * 60;

/**
 * REGISTERED on EC2, and tried for: while the launcher tries, its messages come again within a minute, or a minute and
 * a half when it died, and what a group's call has not answered is repeated for two and a half. Who is not tried for
 * any longer was given up, and nobody heard it.
 */
export const retrialSeconds = 5 * 60;

/** STOPPING: the stop workflow lives for four minutes. */
export const stopSeconds = 5 * 60;

/** FAILED: AbandonRunner's workflow asks again itself within four minutes. */
export const retrySeconds = 5 * 60;

/** WAITING for no place: the workflow that met the trouble looks again itself the first times. */
export const lookSeconds = 20;

/** Instances, GitLab runners and launches this young may not be everywhere yet: describes and indexes lag. */
export const settledSeconds = 5 * 60;

/** Whether a time (ISO 8601) is longer ago than so many seconds; a time that is not known never is. */
export function isOlder(time: string | null | undefined, seconds: number, now: number): boolean {
  return time !== null && time !== undefined && now - Date.parse(time) > seconds * 1_000;
}
