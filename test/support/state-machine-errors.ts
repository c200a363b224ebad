import type { Catcher, Json, Retrier } from './state-machine-language.ts';

/** What a state reports when it fails: the error name that Retry and Catch compare, and a cause for people. */
export class StateError extends Error {
  override readonly name = 'StateError';
  readonly error: string | undefined;
  readonly errorCause: string | undefined;

  constructor(error: string | undefined, errorCause?: string, options?: ErrorOptions) {
    super(`${error}: ${errorCause}`, options);
    this.error = error;
    this.errorCause = errorCause;
  }

  /** What a Catch sees as `$states.errorOutput`. */
  get output(): Json {
    return {
      Error: this.error ?? '',
      ...(this.errorCause === undefined ? {} : { Cause: this.errorCause }),
    };
  }
}

/** Step Functions would refuse to create this state machine, or this interpreter cannot run it. */
export class DefinitionRefusedError extends Error {
  override readonly name = 'DefinitionRefusedError';
}

export const queryEvaluationError = 'States.QueryEvaluationError';
const dataLimitError = 'States.DataLimitExceeded';
export const runtimeError = 'States.Runtime';

/** Errors that end an execution unless they are named: no wildcard matches them. */
const terminalErrors: readonly string[] = [dataLimitError, runtimeError];

/** 256 KiB of UTF-8, the most that may pass into or out of a state. */
const maxPayloadBytes = 262_144;

/**
 * Whether an `ErrorEquals` list covers an error. `States.ALL` leaves out the terminal errors, `States.TaskFailed`
 * leaves out `States.Timeout` too.
 * Source: https://docs.aws.amazon.com/step-functions/latest/dg/concepts-error-handling.html
 */
function errorMatches(errorEquals: readonly string[], error: string | undefined): boolean {
  if (error !== undefined && errorEquals.includes(error)) return true;
  if (error !== undefined && terminalErrors.includes(error)) return false;
  return (
    errorEquals.includes('States.ALL') || (errorEquals.includes('States.TaskFailed') && error !== 'States.Timeout')
  );
}

/** Every delay that a retrier can make, in seconds and in order, with jitter at its maximum. */
export function retryDelays(retrier: Retrier): readonly number[] {
  const { IntervalSeconds = 1, MaxAttempts = 3, BackoffRate = 2, MaxDelaySeconds = Number.POSITIVE_INFINITY } = retrier;
  return Array.from({ length: MaxAttempts }, (_, attempt) =>
    Math.min(IntervalSeconds * BackoffRate ** attempt, MaxDelaySeconds),
  );
}

/**
 * The retrier for an error, if any: the first that matches, even when it is used up. `States.Runtime` is never
 * retried, not even by its name.
 */
export function retrierFor(retriers: readonly Retrier[] | undefined, error: StateError): Retrier | undefined {
  if (error.error === runtimeError) return undefined;
  return retriers?.find((retrier) => errorMatches(retrier.ErrorEquals, error.error));
}

/** The index of the first catcher that matches an error, or -1. */
export function catcherIndexFor(catchers: readonly Catcher[], error: StateError): number {
  return catchers.findIndex((catcher) => errorMatches(catcher.ErrorEquals, error.error));
}

/** @throws {StateError} `States.DataLimitExceeded` when a payload is larger than Step Functions passes on */
export function refuseLargePayload(payload: Json, what: string): void {
  const bytes = Buffer.byteLength(JSON.stringify(payload));
  if (bytes > maxPayloadBytes) {
    throw new StateError(
      dataLimitError,
      `${what} has ${bytes} bytes, more than the ${maxPayloadBytes} that may be passed on.`,
    );
  }
}
