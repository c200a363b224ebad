/** What the command line says to the user instead of a stack trace. */
export class UsageError extends Error {
  override readonly name = 'UsageError';
}
