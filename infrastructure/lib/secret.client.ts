import { awsEnvironmentOf } from './aws-environment.ts';
import type { BackoffPorts } from './backoff.ts';
import { createSignedAws } from './signed-aws.client.ts';

/** The secret cannot be read, or is not what it should be; the message names the secret, never its value. */
export class SecretUnavailableError extends Error {
  override readonly name = 'SecretUnavailableError';
}

/** A secret is read again after this time, so that a rotation needs no deployment. */
const defaultCacheSeconds = 5 * 60;

export type SecretReaderOptions = {
  readonly backoffPorts?: BackoffPorts | undefined;
  readonly cacheSeconds?: number | undefined;
};

/**
 * Reads a secret's text with one signed request, without the SDK's load time, and keeps it for five minutes, or as long as said. A failed read is not kept.
 * Source: https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_GetSecretValue.html
 */
export function createSecretReader(
  secretArn: string,
  environment: Readonly<Record<string, string | undefined>>,
  now: () => number,
  { backoffPorts, cacheSeconds = defaultCacheSeconds }: SecretReaderOptions = {},
): () => Promise<string> {
  const callAws = createSignedAws(awsEnvironmentOf(environment), backoffPorts);
  let cached: { readonly at: number; readonly value: string } | undefined;
  return async () => {
    if (cached && now() - cached.at < cacheSeconds * 1_000) return cached.value;
    const read = callAws('secretsmanager', 'secretsmanager.GetSecretValue', { SecretId: secretArn }, textOf);
    const value = await read.catch((cause: unknown) => {
      const reason = cause instanceof Error ? cause.message : String(cause);
      throw new SecretUnavailableError(`The secret ${secretArn} cannot be read: ${reason}`, { cause });
    });
    cached = { at: now(), value };
    return value;
  };
}

function textOf(answer: unknown): string {
  const { SecretString } = answer as { SecretString?: unknown };
  if (typeof SecretString === 'string' && SecretString) return SecretString;
  throw new SecretUnavailableError('it holds no text');
}
