import type { WebhookSecrets } from './webhook-secret.ts';

/** How long a container believes what it read: a revoked token ends at most this much later. */
export const secretLifeMilliseconds = 5 * 60 * 1_000;
/** How long it goes on believing it while Secrets Manager does not answer: no event is lost to such an outage. */
export const longestSecretLifeMilliseconds = 60 * 60 * 1_000;
/**
 * Neither wrong tokens, which anybody can send, nor an outage make a container read again more often than this:
 * wrong tokens all day cost a container nine cents. The other side of it is the promise that a rotation rests on:
 * whatever was stored so long ago is known to each container that is shown it. Who may read again does so, and who
 * may not has read since.
 */
export const rereadIntervalMilliseconds = 10 * 1_000;

export type SecretCachePorts = {
  readonly load: () => Promise<WebhookSecrets>;
  /** Milliseconds since 1970. */
  readonly now: () => number;
  /** Told when old secrets are used because reading them anew failed. */
  readonly onStale: (error: unknown) => void;
};

export type SecretCache = {
  /**
   * The secrets, loaded when there are none or they are old. Rejects as `load` does when there are none to fall back
   * to.
   */
  read(): Promise<{ readonly secrets: WebhookSecrets; readonly fresh: boolean }>;
  /** After a request that does not match: the secrets loaded anew, or null when that was done a moment ago. */
  reread(): Promise<WebhookSecrets | null>;
};

/**
 * Keeps the secrets of one container. Only what was loaded is kept, so that one fault does not poison the container.
 */
export function createSecretCache({ load, now, onStale }: SecretCachePorts): SecretCache {
  let kept: { readonly secrets: WebhookSecrets; readonly loadedAt: number } | null = null;
  let nextLoadAt = Number.NEGATIVE_INFINITY;
  let nextRereadAt = Number.NEGATIVE_INFINITY;
  const loadAndKeep = async () => {
    const loadedAt = now();
    const secrets = await load();
    kept = { secrets, loadedAt };
    nextLoadAt = loadedAt + secretLifeMilliseconds;
    return secrets;
  };
  return {
    async read() {
      if (kept && now() < nextLoadAt) return { secrets: kept.secrets, fresh: false };
      try {
        return { secrets: await loadAndKeep(), fresh: true };
      } catch (error) {
        if (!kept || now() - kept.loadedAt >= longestSecretLifeMilliseconds) throw error;
        nextLoadAt = now() + rereadIntervalMilliseconds;
        onStale(error);
        return { secrets: kept.secrets, fresh: false };
      }
    },
    async reread() {
      if (now() < nextRereadAt) return null;
      nextRereadAt = now() + rereadIntervalMilliseconds;
      return loadAndKeep();
    },
  };
}
