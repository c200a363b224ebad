const passing =
  /Throttl|Internal|Unavailable|ThroughputExceeded|RequestLimitExceeded|TransactionConflict|TransactionInProgress/;

/**
 * Is this the name of an error of AWS that passes by itself, such as `ThrottlingException`, `InternalFailure`, or
 * `TransactionConflictException` of a write that met somebody else's transaction?
 *
 * @see https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Programming.Errors.html
 */
export function isPassing(code: string): boolean {
  return passing.test(code);
}
