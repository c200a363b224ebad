import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { judgeAnswer, retryAfterMilliseconds } from '../../../infrastructure/gitlab/gitlab-answer.ts';

const means = (status: number, body: unknown) =>
  judgeAnswer({ status, text: typeof body === 'string' ? body : JSON.stringify(body) })?.means ?? 'good';
const anyStatus = fc.integer({ min: 200, max: 599 });

describe('an answer', () => {
  it.each([
    [200, [], 'good'],
    [201, { id: 1 }, 'good'],
    [204, '', 'good'],
    [200, '<html>', 'unavailable'],
    [200, '', 'unavailable'],
    [302, '', 'unavailable'],
    [404, { message: '404 Not found' }, 'gone'],
    [404, { message: '404 Runner Not Found' }, 'gone'],
    [404, { error: '404 Project Not Found' }, 'gone'],
    [404, { message: 'Not Found' }, 'unavailable'],
    [404, { error: '404 Not Found' }, 'refused'],
    [429, 'Retry later\n', 'limit'],
    [429, { message: { error: 'This endpoint has been requested too many times. Try again later.' } }, 'limit'],
    [403, { message: '403 Forbidden' }, 'refused'],
    [403, { error: 'insufficient_granular_scope', error_description: 'no' }, 'token refused'],
    [403, { message: '403 Forbidden  - Your primary email address is not confirmed.' }, 'refused'],
    [403, { message: '403 Forbidden  - Access from 203.0.113.7 is blocked by the IP restriction' }, 'address refused'],
    [400, { message: { maximum_timeout: ['needs to be at least 10 minutes'] } }, 'refused'],
    [400, { error: 'project_id is missing' }, 'refused'],
  ] as const)('of %i with %j means %s', (status, body, verdict) => {
    expect(means(status, body)).toBe(verdict);
  });

  it('says that something is gone, that a token is refused, or a person must act, only in the words of GitLab', () => {
    fc.assert(
      fc.property(
        anyStatus,
        fc.oneof(fc.string(), fc.constantFrom('<html>404</html>', 'null', '7', '[]')),
        (status, text) => {
          fc.pre(!/"(message|error)"/.test(text));
          expect(['good', 'unavailable', 'limit']).toContain(means(status, text));
        },
      ),
    );
  });

  it('is judged whatever stands in it, and success never means that something is gone', () => {
    fc.assert(
      fc.property(anyStatus, fc.jsonValue(), (status, body) => {
        const verdict = means(status, JSON.stringify(body));
        if (status < 300) expect(verdict).toBe('good');
        else expect(verdict).not.toBe('good');
        if (status !== 404) expect(verdict).not.toBe('gone');
      }),
    );
  });
});

describe('Retry-After', () => {
  const now = Date.parse('2026-11-30T12:00:00Z');
  it.each([
    ['5', 5_000],
    [' 5 ', 5_000],
    ['Mon, 30 Nov 2026 12:00:30 GMT', 30_000],
    ['Monday, 30-Nov-26 12:00:30 GMT', 30_000],
    ['Mon, 30 Nov 2026 11:00:00 GMT', undefined],
    ['-5', undefined],
    ['0', undefined],
    ['', undefined],
    ['2027', 2_027_000],
    ['soon', undefined],
    [null, undefined],
  ])('of %j is %s milliseconds', (header, milliseconds) => {
    expect(retryAfterMilliseconds(header, now)).toBe(milliseconds);
  });

  it('is never a time that cannot be waited for: more than nothing, or not said', () => {
    fc.assert(
      fc.property(fc.oneof(fc.string(), fc.double().map(String), fc.date().map(String)), (header) => {
        const wait = retryAfterMilliseconds(header, now);
        expect(wait === undefined || wait > 0).toBe(true);
      }),
    );
  });
});
