import { rereadIntervalMilliseconds } from '../../infrastructure/ingest/webhook-secret-cache.ts';
import { ageText } from './time-text.ts';

/** When the webhook's tokens were made, and whether there were others before. Milliseconds since 1970. */
export type WebhookVersions = { readonly madeAt: number; readonly hasPrevious: boolean };

/** A rotation after another one within this time asks first: hooks are given their new tokens on the same day. */
export const rotationRestHours = 24;

/** Secrets Manager may need a moment until every reader sees what was stored. */
const spreadMilliseconds = 5_000;

/** A secret that was stored so long ago is known to all that receive hooks. */
export const knownAfterMilliseconds = rereadIntervalMilliseconds + spreadMilliseconds;

/**
 * What a rotation now would break; null when it breaks nothing that was rotated lately. The deployment's own first
 * tokens are no rotation.
 */
export function whatRotationBreaks({ madeAt, hasPrevious }: WebhookVersions, now: number): string | null {
  const age = now - madeAt;
  if (!hasPrevious || age >= rotationRestHours * 60 * 60 * 1_000) return null;
  return (
    `the tokens were rotated ${ageText(Math.max(age, 0))} ago: hooks that have not been given the new ones since use ` +
    'those before, which end with another rotation; GitLab then disables such hooks, and their jobs wait for the ' +
    'reconciler'
  );
}

/**
 * How long a hook should go on using its old tokens. Never longer than all that receive hooks need, whatever the
 * clocks say.
 */
export function untilKnownMilliseconds(madeAt: number, now: number): number {
  return Math.min(Math.max(madeAt + knownAfterMilliseconds - now, 0), knownAfterMilliseconds);
}
