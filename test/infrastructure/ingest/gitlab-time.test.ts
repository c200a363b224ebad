import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { parseGitLabTime } from '../../../infrastructure/ingest/gitlab-time.ts';

describe('a time of a GitLab payload', () => {
  test.each([
    ['2016-09-28 10:00:00 UTC', '2016-09-28T10:00:00.000Z'],
    ['2016-09-28 10:00:00 +0800', '2016-09-28T02:00:00.000Z'],
    ['2016-09-28 10:00:00 -0330', '2016-09-28T13:30:00.000Z'],
    ['2026-09-21T02:41:37Z', '2026-09-21T02:41:37.000Z'],
    ['2026-09-21T02:41:37.886Z', '2026-09-21T02:41:37.886Z'],
    ['2026-09-21T02:41:37.886123Z', '2026-09-21T02:41:37.886Z'],
    ['2026-09-21T04:41:37.886+02:00', '2026-09-21T02:41:37.886Z'],
  ])('%s is read', (text, iso) => {
    expect(parseGitLabTime(text)).toBe(iso);
  });

  test.each([
    ['a time without a zone', '2016-09-28 10:00:00'],
    ['a zone that only a place knows', '2016-09-28 10:00:00 CEST'],
    ['a day that does not exist', '2016-13-28 10:00:00 UTC'],
    ['a date alone', '2016-09-28'],
    ['the empty text', ''],
    ['null', null],
    ['a number', 1_474_000_000],
  ])('%s is none', (_what, value) => {
    expect(parseGitLabTime(value)).toBeNull();
  });

  test('every moment comes back as it was, in whichever format it is written', () => {
    const moments = fc.date({ min: new Date('2001-01-01Z'), max: new Date('2099-12-31Z'), noInvalidDate: true });
    fc.assert(
      fc.property(moments, (moment) => {
        const iso = moment.toISOString();
        expect(parseGitLabTime(iso)).toBe(iso);
        const seconds = iso.slice(0, 19);
        expect(parseGitLabTime(`${seconds.replace('T', ' ')} UTC`)).toBe(`${seconds}.000Z`);
      }),
    );
  });
});
