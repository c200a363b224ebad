import type { BackoffPorts } from '../lambda/backoff.ts';
import { awsEnvironmentOf } from './aws-environment.ts';
import { SecretUnavailableError } from './secret-errors.ts';
import { createSignedAws } from './signed-aws.client.ts';

/** A secret is read again after this time, so that a rotation needs no deployment. */
const defaultCacheSeconds = 5 * 60;
/**
 * What is refused is read again at once, but no oftener than this: each read costs, and whatever is stored may be
 * wrong for long.
 */
export const rereadIntervalMilliseconds = 30_000;

export type SecretReaderOptions = {
  readonly backoffPorts?: BackoffPorts | undefined;
  readonly cacheSeconds?: number | undefined;
};

export type SecretReader<T> = {
  /** What the secret holds; as it was at most five minutes ago, or as long as said. */
  read(): Promise<T>;
  /** What it holds now, for when what was read is refused; as it was at most half a minute ago. */
  reread(): Promise<T>;
};

/**
 * Reads a secret with one signed request, without the SDK's load time, and keeps what it holds. A failed read is
 * not kept, nor is a text that `parse` does not take: once it is mended it counts at once.
 *
 * @throws {SecretUnavailableError} or what `parse` throws.
 * @see https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_GetSecretValue.html
 */
export function createSecretReader<T>(
  secretArn: string,
  parse: (text: string) => T,
  environment: Readonly<Record<string, string | undefined>>,
  now: () => number,
  { backoffPorts, cacheSeconds = defaultCacheSeconds }: SecretReaderOptions = {},
): SecretReader<T> {
  const callAws = createSignedAws(awsEnvironmentOf(environment), backoffPorts);
  let cached: { readonly at: number; readonly value: T } | undefined;
  let rereadAt = Number.NEGATIVE_INFINITY;
  /** Several requests that are refused together wait for one read. */
  let rereading: Promise<T> | undefined;
  const load = async () => {
    const at = now();
    const read = callAws('secretsmanager', 'secretsmanager.GetSecretValue', { SecretId: secretArn }, textOf);
    const text = await read.catch((cause: unknown) => {
      const reason = cause instanceof Error ? cause.message : String(cause);
      throw new SecretUnavailableError(`The secret ${secretArn} cannot be read: ${reason}`, { cause });
    });
    cached = undefined;
    const value = parse(text);
    cached = { at, value };
    return value;
  };
  const read = async () => (cached && now() - cached.at < cacheSeconds * 1_000 ? cached.value : load());
  return {
    read,
    reread() {
      if (now() - rereadAt < rereadIntervalMilliseconds) return read();
      rereading ??= load()
        .then((value) => {
          rereadAt = now();
          return value;
        })
        .finally(() => {
          rereading = undefined;
        });
      return rereading;
    },
  };
}

function textOf(answer: unknown): string {
  const { SecretString } = answer as { SecretString?: unknown };
  if (typeof SecretString === 'string' && SecretString) return SecretString;
  throw new SecretUnavailableError('it holds no text');
}
