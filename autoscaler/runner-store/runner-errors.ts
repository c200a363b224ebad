/**
 * The job has a runner already (or had as many as it may): a duplicate of an event, which ends here without any side
 * effect.
 */
export class JobAlreadyAdmittedError extends Error {
  override readonly name = 'JobAlreadyAdmittedError';
}

/** As many runners live as may at once: the job waits, and starts when another one ends. */
export class CapReachedError extends Error {
  override readonly name = 'CapReachedError';
}

/**
 * GitLab says that the job is not pending yet, although its hook said so: its database replica lags. Worth another try.
 */
export class JobNotYetPendingError extends Error {
  override readonly name = 'JobNotYetPendingError';
}

/**
 * GitLab says that the job is not over, although its hook said so: its database replica lags, or the hook was wrong.
 */
export class JobNotOverError extends Error {
  override readonly name = 'JobNotOverError';
}

/** GitLab would give the job's runner another job, which is to run elsewhere: it waits until it is its turn. */
export class NotItsTurnError extends Error {
  override readonly name = 'NotItsTurnError';
}

/** The error of an attempt whose function failed after it was invoked. */
export const functionFailed = 'LambdaRunnerFailed';
/** The error of an attempt whose function never started its runner, for want of concurrency above all. */
export const functionNotStarted = 'LambdaRunnerNotStarted';
/** The error of an attempt whose function's runner could not ask GitLab: it had no job that it knew of. */
export const functionCutOff = 'LambdaRunnerCutOff';
