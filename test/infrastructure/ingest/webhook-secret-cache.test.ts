import { describe, expect, test } from 'vitest';
import type { WebhookSecrets } from '../../../infrastructure/ingest/webhook-secret.ts';
import {
  createSecretCache,
  longestSecretLifeMilliseconds,
  rereadIntervalMilliseconds,
  secretLifeMilliseconds,
} from '../../../infrastructure/ingest/webhook-secret-cache.ts';

const secretsNamed = (token: string): WebhookSecrets => ({ current: { token, signingKey: null }, previous: null });

function cacheOver(stored: { token: string | null }) {
  const world = { now: 1_000_000, loads: 0, stale: 0 };
  const cache = createSecretCache({
    load: async () => {
      world.loads += 1;
      if (stored.token === null) throw new Error('Secrets Manager does not answer');
      return secretsNamed(stored.token);
    },
    now: () => world.now,
    onStale: () => {
      world.stale += 1;
    },
  });
  const tokenRead = async () => (await cache.read()).secrets.current.token;
  return { world, cache, tokenRead };
}

describe('the secrets of a container', () => {
  test('are loaded once for all requests of their life, and then anew', async () => {
    const stored = { token: 'one' };
    const { world, tokenRead } = cacheOver(stored);
    expect([await tokenRead(), await tokenRead()]).toEqual(['one', 'one']);
    stored.token = 'two';
    world.now += secretLifeMilliseconds - 1;
    expect(await tokenRead()).toBe('one');
    world.now += 1;
    expect(await tokenRead()).toBe('two');
    expect(world.loads).toBe(2);
  });

  test('are loaded again at the next request when the first load failed', async () => {
    const stored: { token: string | null } = { token: null };
    const { tokenRead } = cacheOver(stored);
    await expect(tokenRead()).rejects.toThrow('does not answer');
    stored.token = 'one';
    expect(await tokenRead()).toBe('one');
  });

  test('go on being used while Secrets Manager does not answer, without asking it at every request', async () => {
    const stored: { token: string | null } = { token: 'one' };
    const { world, tokenRead } = cacheOver(stored);
    await tokenRead();
    stored.token = null;
    world.now += secretLifeMilliseconds;
    expect([await tokenRead(), await tokenRead(), await tokenRead()]).toEqual(['one', 'one', 'one']);
    expect(world).toMatchObject({ loads: 2, stale: 1 });
    stored.token = 'two';
    world.now += rereadIntervalMilliseconds;
    expect(await tokenRead()).toBe('two');
  });

  test('are not believed for longer than an hour without Secrets Manager', async () => {
    const stored: { token: string | null } = { token: 'one' };
    const { world, tokenRead } = cacheOver(stored);
    await tokenRead();
    stored.token = null;
    world.now += longestSecretLifeMilliseconds;
    await expect(tokenRead()).rejects.toThrow('does not answer');
  });

  test('are reread at most once in ten seconds, however many requests do not match', async () => {
    const { world, cache } = cacheOver({ token: 'one' });
    await cache.read();
    expect(await cache.reread()).toEqual(secretsNamed('one'));
    for (let request = 0; request < 100; request += 1) expect(await cache.reread()).toBeNull();
    expect(world.loads).toBe(2);
    world.now += rereadIntervalMilliseconds;
    expect(await cache.reread()).not.toBeNull();
  });

  test('that were reread are what the next requests see', async () => {
    const stored = { token: 'one' };
    const { cache, tokenRead } = cacheOver(stored);
    await tokenRead();
    stored.token = 'two';
    await cache.reread();
    expect(await tokenRead()).toBe('two');
  });
});
