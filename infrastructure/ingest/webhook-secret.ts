/** What proves that a request comes from GitLab: one version of the webhook's secret. */
export type WebhookSecret = {
  /** Compared with `X-Gitlab-Token`. */
  readonly token: string;
  /** Key of `webhook-signature`; null when no signing token is set. */
  readonly signingKey: Buffer | null;
};

/** The secret now and before its last rotation: GitLab may still use either. */
export type WebhookSecrets = { readonly current: WebhookSecret; readonly previous: WebhookSecret | null };

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
  const stored = parseObject(text);
  const { token, signingToken } = stored;
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
    if (typeof value === 'object' && value !== null) return value as Record<string, unknown>;
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
