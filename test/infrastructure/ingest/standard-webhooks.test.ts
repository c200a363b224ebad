import fc from 'fast-check';
import { Webhook } from 'standardwebhooks';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import {
  type Headers,
  readCredentials,
  signatureToleranceSeconds,
  verifySender,
} from '../../../infrastructure/ingest/sender.ts';
import { parseWebhookSecret } from '../../../infrastructure/ingest/webhook-secret.ts';

/*
 * Standard Webhooks' own package beside ours: what it signs is authentic here, and what is authentic here by a
 * signature it verifies too. Where the two differ is listed last: none of it is anything that GitLab sends, and none
 * lets in what was not signed.
 */

const now = Date.parse('2026-09-21T02:41:38.500Z');
const runs = { numRuns: 1_000 };
const delivery = 'delivery-1';

beforeAll(() => {
  vi.useFakeTimers({ now });
});
afterAll(() => {
  vi.useRealTimers();
});

const keys = fc.uint8Array({ minLength: 24, maxLength: 64 }).map((bytes) => Buffer.from(bytes));
const ids = fc.oneof(fc.uuid(), fc.string({ minLength: 1, maxLength: 40, unit: 'grapheme-ascii' }));
const bodies = fc.oneof(fc.json(), fc.string({ unit: 'binary' }), fc.constantFrom('', '{}', 'größe'));
const secondsOff = fc.oneof(
  fc.integer({ min: -signatureToleranceSeconds, max: signatureToleranceSeconds }),
  fc.constantFrom(-301, -300, 300, 301, -100_000, 100_000),
);
const tokenOf = (key: Buffer, isPadded = true) => {
  const encoded = key.toString('base64');
  return `whsec_${isPadded ? encoded : encoded.replace(/=+$/, '')}`;
};

function weAccept(headers: Headers, body: Buffer, signingToken: string): boolean {
  const credentials = readCredentials(headers, Date.now());
  if (credentials.kind !== 'signature') return false;
  const current = parseWebhookSecret(JSON.stringify({ token: 'not-a-real-secret', signingToken }));
  return verifySender(credentials, body, { current, previous: null }).kind === 'authentic';
}

function packageAccepts(headers: Headers, body: string | Buffer, signingToken: string): boolean {
  try {
    new Webhook(signingToken).verify(body, headers as Record<string, string>, { jsonParse: false });
    return true;
  } catch {
    return false;
  }
}

function signedByPackage(body: string | Buffer, key: Buffer, { id = delivery, at = now } = {}): Headers {
  return {
    'webhook-id': id,
    'webhook-timestamp': String(Math.floor(at / 1_000)),
    'webhook-signature': new Webhook(tokenOf(key)).sign(id, new Date(at), body),
  };
}

describe('a hook that Standard Webhooks’ own package signed', () => {
  test('is authentic here exactly when the package itself accepts it, however old it is', () => {
    fc.assert(
      fc.property(keys, ids, bodies, secondsOff, fc.boolean(), (key, id, body, off, isPadded) => {
        const headers = signedByPackage(body, key, { id, at: now + off * 1_000 });
        const token = tokenOf(key, isPadded);
        expect(weAccept(headers, Buffer.from(body), token)).toBe(packageAccepts(headers, body, token));
        if (Math.abs(off) < signatureToleranceSeconds) expect(weAccept(headers, Buffer.from(body), token)).toBe(true);
      }),
      runs,
    );
  });

  test('is refused by both once anything of it was changed', () => {
    const change = fc.constantFrom('body', 'webhook-id', 'webhook-timestamp', 'webhook-signature', 'key');
    fc.assert(
      fc.property(keys, bodies, change, (key, body, what) => {
        const headers = { ...signedByPackage(body, key) };
        if (what === 'webhook-id') headers[what] = 'delivery-2';
        if (what === 'webhook-timestamp') headers[what] = String(Number(headers[what]) + 1);
        if (what === 'webhook-signature') headers[what] = signedByPackage(`${body}x`, key)[what];
        const arrived = what === 'body' ? `${body} ` : body;
        const token = tokenOf(what === 'key' ? Buffer.from([...key].reverse().concat(1)) : key);
        expect(weAccept(headers, Buffer.from(arrived), token)).toBe(false);
        expect(packageAccepts(headers, arrived, token)).toBe(false);
      }),
      runs,
    );
  });
});

describe('headers as strangers may write them', () => {
  test('are accepted here only when the package accepts them too', () => {
    const right = (headers: Headers) => String(headers['webhook-signature']);
    const entries = fc.array(
      fc.oneof(
        fc.constant(right),
        fc.constantFrom('', 'v1,', 'v1', 'v2,AAAA', 'v1a,AAAA', ',', `v1,${'A'.repeat(44)}`).map((text) => () => text),
        fc.string({ maxLength: 60 }).map((text) => () => text),
      ),
      { maxLength: 4 },
    );
    const timestamps = fc.oneof(
      fc.constant(null),
      fc.constantFrom('', 'now', '1e9', '-1', ' 1', '99999999999999999999', '0x10'),
    );
    let accepted = 0;
    fc.assert(
      fc.property(keys, bodies, entries, timestamps, (key, body, list, timestamp) => {
        const signed = signedByPackage(body, key);
        const headers = {
          ...signed,
          'webhook-signature': list.map((entry) => entry(signed)).join(' '),
          ...(timestamp === null ? {} : { 'webhook-timestamp': timestamp }),
        };
        const isAccepted = weAccept(headers, Buffer.from(body), tokenOf(key));
        if (isAccepted) {
          accepted += 1;
          expect(packageAccepts(headers, body, tokenOf(key))).toBe(true);
        }
      }),
      runs,
    );
    expect(accepted).toBeGreaterThan(50);
  });
});

describe('where the two differ', () => {
  const key = Buffer.alloc(32, 1);
  const body = '{"object_kind":"build"}';
  const signed = signedByPackage(body, key);
  const signature = String(signed['webhook-signature']);
  const accepted = (changes: Headers, arrived: string | Buffer = body, token = tokenOf(key)) => ({
    here: weAccept({ ...signed, ...changes }, Buffer.from(arrived), token),
    there: packageAccepts({ ...signed, ...changes }, arrived, token),
  });

  test('both accept what the other cases change', () => {
    expect(accepted({})).toEqual({ here: true, there: true });
  });

  test.each<[string, Headers]>([
    ['a signature without the padding of its base64', { 'webhook-signature': signature.replace(/=+$/, '') }],
    ['a signature in the base64 of URLs', { 'webhook-signature': signature.replaceAll('+', '-').replaceAll('/', '_') }],
  ])('the same bytes written otherwise are accepted here: %s', (_what, changes) => {
    const { there } = accepted(changes);
    expect(accepted(changes).here).toBe(true);
    // The second is the same text where the signature has neither of these signs.
    expect(there).toBe(changes['webhook-signature'] === signature);
  });

  test.each<[string, Headers]>([
    ['a time with something behind it', { 'webhook-timestamp': `${signed['webhook-timestamp']}abc` }],
    ['a time with a blank before it', { 'webhook-timestamp': ` ${signed['webhook-timestamp']}` }],
  ])('what is not as the standard writes it is refused here alone: %s', (_what, changes) => {
    expect(accepted(changes)).toEqual({ here: false, there: true });
  });

  test('the package signs bytes that are no UTF-8 as another text, and we the bytes that arrived', () => {
    const bytes = Buffer.from([0x22, 0xff, 0xfe, 0x22]);
    expect(accepted(signedByPackage(bytes, key), bytes)).toEqual({ here: false, there: true });
  });

  test('a key that could be guessed is refused here when the secret is read, and so is one without its prefix', () => {
    expect(() => parseWebhookSecret(JSON.stringify({ token: 't', signingToken: 'whsec_AAAA' }))).toThrow(/24 bytes/);
    expect(() => new Webhook('whsec_AAAA')).not.toThrow();
    const bare = key.toString('base64');
    expect(() => parseWebhookSecret(JSON.stringify({ token: 't', signingToken: bare }))).toThrow(/whsec_/);
    expect(() => new Webhook(bare)).not.toThrow();
  });
});
