import { createHash, createHmac, timingSafeEqual } from 'node:crypto';
import { isInScope } from '../kit/webhook-scope.ts';
import type { WebhookSecret, WebhookSecrets } from './webhook-secret.ts';

/** Standard Webhooks' tolerance between the sender's clock and ours, either way. */
export const signatureToleranceSeconds = 300;

/** Header names in lower case, as an HTTP API (payload format 2.0) hands them over. */
export type Headers = Readonly<Record<string, string | undefined>>;

/** What a request shows to prove where it comes from. */
export type Credentials =
  | { readonly kind: 'signature'; readonly signedPrefix: string; readonly signatures: readonly Buffer[] }
  | { readonly kind: 'token'; readonly token: string };

export type Refusal = { readonly kind: 'refused'; readonly reason: string };
/** The request shows neither of the two. */
type Anonymity = { readonly kind: 'anonymous'; readonly reason: string };
export type SenderVerdict =
  | {
      readonly kind: 'authentic';
      readonly by: Credentials['kind'];
      readonly secret: 'current' | 'previous';
      /** The project or group whose own secret it was. */
      readonly scope?: string;
    }
  | Refusal;

/**
 * Finds a request's credentials: `webhook-signature` (GitLab 19.0 and later) when there is one, else `X-Gitlab-Token`.
 * What no secret could make right is refused here, before any secret is read.
 *
 * @param nowMilliseconds since 1970.
 * @param taken with `signature` a token is no credential: whoever sees one call could send others.
 * @see https://docs.gitlab.com/user/project/integrations/webhooks/ "Signing tokens"
 */
export function readCredentials(
  headers: Headers,
  nowMilliseconds: number,
  taken: 'any' | 'signature' = 'any',
): Credentials | Refusal | Anonymity {
  const signature = headers['webhook-signature'];
  if (signature !== undefined) return readSignature(signature, headers, nowMilliseconds);
  if (taken === 'signature') {
    const reason =
      'the request has no webhook-signature, and nothing else is taken: set a signing token in the hook (GitLab 19.0 or newer)';
    return { kind: 'anonymous', reason };
  }
  const token = headers['x-gitlab-token'];
  if (token) return { kind: 'token', token };
  const reason =
    'the request has neither webhook-signature nor X-Gitlab-Token: set a signing or secret token in the hook';
  return { kind: 'anonymous', reason };
}

function readSignature(signature: string, headers: Headers, nowMilliseconds: number): Credentials | Refusal {
  const id = headers['webhook-id'];
  const timestamp = headers['webhook-timestamp'] ?? '';
  if (!id || !/^\d{1,12}$/.test(timestamp)) {
    return refuse('a signed request needs webhook-id and webhook-timestamp (seconds since 1970)');
  }
  const differenceSeconds = Math.abs(Math.floor(nowMilliseconds / 1_000) - Number(timestamp));
  if (differenceSeconds > signatureToleranceSeconds) {
    return refuse(`webhook-timestamp is ${differenceSeconds} s off: check the clock of the GitLab server`);
  }
  const signatures = signature
    .split(' ')
    .filter((entry) => entry.startsWith('v1,'))
    .map((entry) => Buffer.from(entry.slice('v1,'.length), 'base64'));
  if (signatures.length === 0) return refuse('webhook-signature has no entry of version v1');
  return { kind: 'signature', signedPrefix: `${id}.${timestamp}.`, signatures };
}

/**
 * Compares credentials with the current and the previous secret, in constant time. A signature is the HMAC-SHA256 over
 * `id.timestamp.body`; `body` is what arrived, byte for byte. Where projects and groups have secrets of their own,
 * those are compared of which the hook says that it comes.
 *
 * @param toldPath the path of the project as the hook tells it, which is asked for only when nothing else fits.
 * @see https://www.standardwebhooks.com
 */
export function verifySender(
  credentials: Credentials,
  body: Buffer,
  secrets: WebhookSecrets,
  toldPath: () => string | null = () => null,
): SenderVerdict {
  const { current, previous } = secrets;
  if (matches(credentials, body, current)) return { kind: 'authentic', by: credentials.kind, secret: 'current' };
  if (previous && matches(credentials, body, previous)) {
    return { kind: 'authentic', by: credentials.kind, secret: 'previous' };
  }
  return verifyOwn(credentials, body, secrets, toldPath) ?? refuseWith(credentials, secrets);
}

function verifyOwn(
  credentials: Credentials,
  body: Buffer,
  { own = [] }: WebhookSecrets,
  toldPath: () => string | null,
): SenderVerdict | null {
  if (own.length === 0) return null;
  const path = toldPath();
  const candidates = own.filter(({ scope }) => isInScope(path, scope));
  for (const { scope, ...versions } of candidates) {
    for (const secret of ['current', 'previous'] as const) {
      const version = versions[secret];
      if (version && matches(credentials, body, version)) {
        return { kind: 'authentic', by: credentials.kind, secret, scope };
      }
    }
  }
  const [candidate] = candidates;
  if (!candidate) return null;
  const { scope, current } = candidate;
  return refuse(
    current
      ? `the request fits neither the webhook secret nor that of ${scope}`
      : `the webhook secret of ${scope} is not valid: run "webhook rotate --project ${scope}"`,
  );
}

function refuseWith(credentials: Credentials, { current, previous }: WebhookSecrets): Refusal {
  if (credentials.kind === 'token') return refuse('X-Gitlab-Token is not the token of the webhook secret');
  if (current.signingKey || previous?.signingKey) return refuse('webhook-signature does not fit the body');
  return refuse(
    'the request is signed, but the webhook secret has no "signingToken": add the hook\'s signing token (whsec_...) to it, or remove it from the hook',
  );
}

function matches(credentials: Credentials, body: Buffer, { token, signingKey }: WebhookSecret): boolean {
  if (credentials.kind === 'token') return sameInConstantTime(credentials.token, token);
  if (!signingKey) return false;
  const expected = createHmac('sha256', signingKey).update(credentials.signedPrefix).update(body).digest();
  return credentials.signatures.some((signature) => sameInConstantTime(signature, expected));
}

/** Digests have one length, so that neither length nor content shows in the time taken. */
function sameInConstantTime(one: string | Buffer, other: string | Buffer): boolean {
  const digest = (value: string | Buffer) => createHash('sha256').update(value).digest();
  return timingSafeEqual(digest(one), digest(other));
}

function refuse(reason: string): Refusal {
  return { kind: 'refused', reason };
}
