import { describe, expect, test } from 'vitest';
import {
  parseCurrentSecret,
  parseWebhookSecret,
  WebhookSecretInvalidError,
} from '../../../infrastructure/ingest/webhook-secret.ts';

const key = Buffer.alloc(32, 7);

test('the secrets of projects that are not valid are left out, and stop no others', () => {
  const good = { token: 'app-not-a-real-secret' };
  for (const projects of [null, 1, 'text', [], {}])
    expect(parseCurrentSecret(JSON.stringify({ token: 't', projects }))).not.toHaveProperty('own');
  const projects = { 'group/app': good, odd: { token: 1 }, none: null, late: { ...good, previous: { token: '' } } };
  expect(parseCurrentSecret(JSON.stringify({ token: 't', projects, previous: { token: 'p' } }))).toEqual({
    current: { token: 't', signingKey: null },
    previous: { token: 'p', signingKey: null },
    own: [
      { scope: 'group/app', current: { ...good, signingKey: null }, previous: null },
      { scope: 'odd', current: null, previous: null },
      { scope: 'none', current: null, previous: null },
      { scope: 'late', current: { ...good, signingKey: null }, previous: null },
    ],
  });
});

describe('the webhook secret', () => {
  test('may hold a token alone', () => {
    expect(parseWebhookSecret('{"token":"not-a-real-secret"}')).toEqual({
      token: 'not-a-real-secret',
      signingKey: null,
    });
  });

  test('may hold a signing token, with or without the padding of its base64', () => {
    const padded = key.toString('base64');
    for (const encoded of [padded, padded.replace(/=+$/, '')]) {
      const secret = parseWebhookSecret(JSON.stringify({ token: 't', signingToken: `whsec_${encoded}` }));
      expect(secret.signingKey).toEqual(key);
    }
  });

  test.each([
    ['not JSON', 'not-a-real-secret'],
    ['a JSON text', '"not-a-real-secret"'],
    ['an object without a token', '{"password":"not-a-real-secret"}'],
    ['an empty token', '{"token":""}'],
    ['a signing token of another kind', '{"token":"t","signingToken":"not-a-real-secret"}'],
    ['a signing token without a key', '{"token":"t","signingToken":"whsec_"}'],
    ['a signing key that is too short', '{"token":"t","signingToken":"whsec_bm90LWEtcmVhbC1zZWNyZXQ="}'],
  ])('is refused when it is %s, and never quoted', (_what, text) => {
    let thrown: unknown;
    try {
      parseWebhookSecret(text);
    } catch (error) {
      thrown = error;
    }
    expect(thrown).toBeInstanceOf(WebhookSecretInvalidError);
    const said = JSON.stringify(thrown, Object.getOwnPropertyNames(thrown));
    expect(said).not.toMatch(/not-a-real|bm90/);
    expect((thrown as Error).cause).toBeUndefined();
  });
});
