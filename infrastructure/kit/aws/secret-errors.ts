/** The secret cannot be read, or is not what it should be; the message names the secret, never its value. */
export class SecretUnavailableError extends Error {
  override readonly name = 'SecretUnavailableError';
}
