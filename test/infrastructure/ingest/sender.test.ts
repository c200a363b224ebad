import { createHmac } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  type Headers,
  readCredentials,
  signatureToleranceSeconds,
  verifySender,
} from '../../../infrastructure/ingest/sender.ts';
import type { WebhookSecret, WebhookSecrets } from '../../../infrastructure/ingest/webhook-secret.ts';

const nowSeconds = 1_790_000_000;
const currentKey = Buffer.alloc(32, 1);
const previousKey = Buffer.alloc(32, 2);
const secret = (token: string, signingKey: Buffer | null): WebhookSecret => ({ token, signingKey });
const secrets: WebhookSecrets = {
  current: secret('current-not-a-real-secret', currentKey),
  previous: secret('previous-not-a-real-secret', previousKey),
};
const body = Buffer.from('{"object_kind":"build","build_name":"größe"}');

function signatureOf(key: Buffer, content: Buffer, id = 'delivery-1', timestamp = nowSeconds) {
  const signed = Buffer.concat([Buffer.from(`${id}.${timestamp}.`), content]);
  return `v1,${createHmac('sha256', key).update(signed).digest('base64')}`;
}

function signedHeaders(changes: Headers = {}): Headers {
  return {
    'webhook-id': 'delivery-1',
    'webhook-timestamp': String(nowSeconds),
    'webhook-signature': signatureOf(currentKey, body),
    ...changes,
  };
}

function judge(headers: Headers, { content = body, against = secrets, now = nowSeconds } = {}) {
  const credentials = readCredentials(headers, now * 1_000);
  return credentials.kind === 'refused' || credentials.kind === 'anonymous'
    ? credentials
    : verifySender(credentials, content, against);
}

const authentic = (by: string, which: string) => ({ kind: 'authentic', by, secret: which });
const anonymousBecause = (reason: RegExp) => ({ kind: 'anonymous', reason: expect.stringMatching(reason) });
const refusedBecause = (reason: RegExp) => ({ kind: 'refused', reason: expect.stringMatching(reason) });

describe('a signed request', () => {
  test('is authentic when the signature fits', () => {
    expect(judge(signedHeaders())).toEqual(authentic('signature', 'current'));
  });

  test('is authentic with the signing token from before a rotation', () => {
    const headers = signedHeaders({ 'webhook-signature': signatureOf(previousKey, body) });
    expect(judge(headers)).toEqual(authentic('signature', 'previous'));
  });

  test('needs one fitting signature among several, and ignores those of other versions', () => {
    const list = ['v1a,xyz', 'v2,xyz', signatureOf(Buffer.alloc(32, 9), body), signatureOf(currentKey, body)];
    expect(judge(signedHeaders({ 'webhook-signature': list.join(' ') }))).toEqual(authentic('signature', 'current'));
    const others = { 'webhook-signature': signatureOf(currentKey, body).replace('v1,', 'v2,') };
    expect(judge(signedHeaders(others))).toEqual(refusedBecause(/version v1/));
  });

  test('is judged over the bytes that arrived, for any body and key', () => {
    const bytes = fc.uint8Array({ maxLength: 300 }).map((array) => Buffer.from(array));
    const keys = fc.uint8Array({ minLength: 24, maxLength: 64 }).map((array) => Buffer.from(array));
    fc.assert(
      fc.property(bytes, keys, fc.nat(), (content, key, position) => {
        const against = { current: secret('t', key), previous: null };
        const headers = signedHeaders({ 'webhook-signature': signatureOf(key, content) });
        expect(judge(headers, { content, against })).toEqual(authentic('signature', 'current'));
        if (content.length === 0) return;
        const altered = Buffer.from(content);
        altered[position % content.length] = (altered[position % content.length] ?? 0) ^ 1;
        expect(judge(headers, { content: altered, against }).kind).toBe('refused');
      }),
    );
  });

  test.each([
    ['the id', { 'webhook-id': 'delivery-2' }],
    ['the time', { 'webhook-timestamp': String(nowSeconds + 1) }],
    ['the signature', { 'webhook-signature': signatureOf(Buffer.alloc(32, 3), body) }],
    ['the base64 of the signature', { 'webhook-signature': 'v1,%%%' }],
    ['the length of the signature', { 'webhook-signature': signatureOf(currentKey, body).slice(0, -10) }],
  ])('is refused when %s is another', (_what, changes) => {
    expect(judge(signedHeaders(changes))).toEqual(refusedBecause(/does not fit/));
  });

  test('is refused although its token is right: a signature that is there must fit', () => {
    const headers = signedHeaders({ 'webhook-signature': 'v1,wrong', 'x-gitlab-token': secrets.current.token });
    expect(judge(headers).kind).toBe('refused');
    expect(judge({ ...headers, 'webhook-signature': '' }).kind).toBe('refused');
  });

  test.each([-1, 1])('is refused once its clock is more than five minutes off (direction %i)', (direction) => {
    const off = (seconds: number) => judge(signedHeaders(), { now: nowSeconds + direction * seconds });
    expect(off(signatureToleranceSeconds).kind).toBe('authentic');
    expect(off(signatureToleranceSeconds + 1)).toEqual(refusedBecause(/301 s off.*clock/));
  });

  test.each([
    ['webhook-id', { 'webhook-id': undefined }],
    ['webhook-timestamp', { 'webhook-timestamp': undefined }],
    ['a number as its time', { 'webhook-timestamp': '2026-09-21T00:00:00Z' }],
  ])('is refused without %s', (_what, changes) => {
    expect(judge(signedHeaders(changes))).toEqual(refusedBecause(/webhook-id and webhook-timestamp/));
  });

  test('is refused with what to do when the secret has no signing token', () => {
    const against = { current: secret('t', null), previous: null };
    expect(judge(signedHeaders(), { against })).toEqual(refusedBecause(/signingToken.*whsec_/));
  });
});

describe('a request with a token', () => {
  test.each(['current', 'previous'] as const)('is authentic with the %s one', (which) => {
    expect(judge({ 'x-gitlab-token': secrets[which]?.token })).toEqual(authentic('token', which));
  });

  test('is refused with any other', () => {
    fc.assert(
      fc.property(fc.string({ minLength: 1 }), (token) => {
        fc.pre(token !== secrets.current.token && token !== secrets.previous?.token);
        expect(judge({ 'x-gitlab-token': token }).kind).toBe('refused');
      }),
    );
    for (const near of [secrets.current.token.slice(0, -1), `${secrets.current.token} `]) {
      expect(judge({ 'x-gitlab-token': near }).kind).toBe('refused');
    }
  });

  test('is refused with the previous one when there is none', () => {
    const against = { current: secrets.current, previous: null };
    expect(judge({ 'x-gitlab-token': 'previous-not-a-real-secret' }, { against }).kind).toBe('refused');
  });
});

test.each([{}, { 'x-gitlab-token': '' }, { 'webhook-id': 'delivery-1' }])(
  'a request that shows nothing is refused: %o',
  (headers) => {
    expect(judge(headers)).toEqual(anonymousBecause(/neither webhook-signature nor X-Gitlab-Token/));
  },
);

test('no refusal repeats a secret or the signature that would have fitted', () => {
  const expected = signatureOf(currentKey, body).slice('v1,'.length);
  const verdicts = [
    judge({ 'x-gitlab-token': 'wrong-not-a-real-secret' }),
    judge(signedHeaders({ 'webhook-signature': 'v1,wrong' })),
    judge(signedHeaders(), { against: { current: secret('current-not-a-real-secret', null), previous: null } }),
  ];
  expect(verdicts.map((verdict) => verdict.kind)).toEqual(['refused', 'refused', 'refused']);
  expect(JSON.stringify(verdicts)).not.toContain('not-a-real-secret');
  expect(JSON.stringify(verdicts)).not.toContain(expected);
});
