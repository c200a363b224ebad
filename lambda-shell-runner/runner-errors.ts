/*
 * Whatever of these leaves the function means: no runner came to be, and GitLab still waits. Lambda then puts the
 * invocation on the event bus (on-failure destination), where the autoscaler takes it for a failed attempt, and for one
 * that costs the job nothing when its name is in one of the lists of exports.ts.
 */

/** There is no gitlab-runner to start. */
export class RunnerBinaryMissingError extends Error {
  override readonly name = 'RunnerBinaryMissingError';
}

/** The operating system refused to start gitlab-runner. */
export class RunnerNotStartedError extends Error {
  override readonly name = 'RunnerNotStartedError';
}

/** gitlab-runner ended without having asked GitLab for a job, or crashed before it had one. */
export class RunnerCrashedError extends Error {
  override readonly name = 'RunnerCrashedError';
}

/** GitLab did not answer gitlab-runner, which therefore had no job. */
export class GitLabUnreachableError extends Error {
  override readonly name = 'GitLabUnreachableError';
}

/** An earlier job left something in this execution environment that cannot be removed: no job may run here. */
export class EnvironmentNotCleanError extends Error {
  override readonly name = 'EnvironmentNotCleanError';
}

/** The ticket could not be claimed, or nobody can tell whether it was. */
export class TicketNotClaimedError extends Error {
  override readonly name = 'TicketNotClaimedError';
}

/**
 * The role that jobs of this profile use on AWS could not be assumed: a job would miss its rights in the middle of its
 * work.
 */
export class JobRoleNotAssumedError extends Error {
  override readonly name = 'JobRoleNotAssumedError';
}
