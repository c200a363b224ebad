import { createHmac } from 'node:crypto';

const tokenPrefix = 'whsec_';

/**
 * Signs a delivery as Standard Webhooks says (https://github.com/standard-webhooks/standard-webhooks): HMAC-SHA256 over
 * `id.timestamp.body`.
 * @param signingToken `whsec_` and the key in base64
 * @param timestamp Unix seconds
 * @returns `v1,` and the signature in base64
 */
export function signWebhook(signingToken: string, id: string, timestamp: number, body: string): string {
  const key = Buffer.from(signingToken.slice(tokenPrefix.length), 'base64');
  return `v1,${createHmac('sha256', key).update(`${id}.${timestamp}.${body}`).digest('base64')}`;
}

/** GitLab takes only keys of exactly 32 bytes. */
export function isSigningToken(text: string): boolean {
  return text.startsWith(tokenPrefix) && Buffer.from(text.slice(tokenPrefix.length), 'base64').length === 32;
}
