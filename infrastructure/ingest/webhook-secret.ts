/** What proves that a request comes from GitLab: one version of the webhook's secret. */
export type WebhookSecret = {
  /** Compared with `X-Gitlab-Token`. */
  readonly token: string;
  /** Key of `webhook-signature`; null when no signing token is set. */
  readonly signingKey: Buffer | null;
};

/** A secret of a project or group alone; `current` is null when it is stored in a form that is none. */
export type OwnSecret = {
  readonly scope: string;
  readonly current: WebhookSecret | null;
  readonly previous: WebhookSecret | null;
};

/** The secret now and before its last rotation: GitLab may still use either. */
export type WebhookSecrets = {
  readonly current: WebhookSecret;
  readonly previous: WebhookSecret | null;
  /** Those of projects and groups that have one. */
  readonly own?: readonly OwnSecret[];
};

/** The stored secret is not what it should be. The message never quotes it. */
export class WebhookSecretInvalidError extends Error {
  override readonly name = 'WebhookSecretInvalidError';
}

/** Standard Webhooks asks for 24 to 64 bytes; GitLab makes 32. A shorter key could be guessed. */
const shortestSigningKeyBytes = 24;

/**
 * Reads the secret's JSON: `{ "token": "...", "signingToken": "whsec_..." }`, the second optional.
 *
 * @throws {WebhookSecretInvalidError} without a cause: the message of `JSON.parse` would quote the secret.
 */
export function parseWebhookSecret(text: string): WebhookSecret {
  return readSecret(parseObject(text));
}

/**
 * Reads the current version: {@link parseWebhookSecret}'s, with `previous` where the version before is another one, and
 * with `projects`, a secret and its `previous` for each path. What of these is not valid is left out, since it may not
 * stop the hooks of others.
 *
 * @throws {WebhookSecretInvalidError}
 */
export function parseCurrentSecret(text: string): WebhookSecrets {
  const stored = parseObject(text);
  const { previous, projects } = stored;
  const own = Object.entries(isObject(projects) ? projects : {}).map(
    ([scope, entry]): OwnSecret => ({
      scope,
      current: readOrNull(entry),
      previous: readOrNull(isObject(entry) ? entry.previous : null),
    }),
  );
  return { current: readSecret(stored), previous: readOrNull(previous), ...(own.length > 0 ? { own } : {}) };
}

function readOrNull(value: unknown): WebhookSecret | null {
  try {
    return isObject(value) ? readSecret(value) : null;
  } catch {
    return null;
  }
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null;
}

function readSecret({ token, signingToken }: Record<string, unknown>): WebhookSecret {
  if (typeof token !== 'string' || token === '') {
    throw new WebhookSecretInvalidError(
      'its "token" is not a text: store {"token": "...", "signingToken": "whsec_..."}',
    );
  }
  return { token, signingKey: signingToken == null || signingToken === '' ? null : signingKeyOf(signingToken) };
}

function parseObject(text: string): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(text);
    if (isObject(value)) return value;
  } catch {
    // Said below, without the parser's words.
  }
  throw new WebhookSecretInvalidError('it is not a JSON object: store {"token": "...", "signingToken": "whsec_..."}');
}

/** Source: https://www.standardwebhooks.com, "Signature scheme"; the base64 may lack its padding. */
function signingKeyOf(signingToken: unknown): Buffer {
  const encoded = typeof signingToken === 'string' ? /^whsec_([A-Za-z0-9+/]+={0,2})$/.exec(signingToken.trim()) : null;
  const key = Buffer.from(encoded?.[1] ?? '', 'base64');
  if (key.length >= shortestSigningKeyBytes) return key;
  throw new WebhookSecretInvalidError(
    `its "signingToken" is not "whsec_" and the base64 of at least ${shortestSigningKeyBytes} bytes: copy it from GitLab again`,
  );
}
