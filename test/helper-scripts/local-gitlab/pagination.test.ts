import { describe, expect, it } from 'vitest';
import { paginate } from '../../../helper-scripts/local-gitlab/pagination.ts';

const numbers = Array.from({ length: 45 }, (_, index) => index + 1);
const page = (query: string, counted?: boolean) =>
  paginate(numbers, new URL(`http://gitlab.example.com/api/v4/runners${query}`), counted);

describe('a page of a list', () => {
  it('is the first twenty unless asked otherwise, and leads to the next', () => {
    const first = page('?type=x');
    expect(first.items).toEqual(numbers.slice(0, 20));
    expect(first.headers).toMatchObject({
      'X-Total': '45',
      'X-Total-Pages': '3',
      'X-Next-Page': '2',
      'X-Prev-Page': '',
    });
    expect(first.headers.Link).toContain(
      '<http://gitlab.example.com/api/v4/runners?type=x&page=2&per_page=20>; rel="next"',
    );
  });

  it('ends with the last one, which leads nowhere', () => {
    const last = page('?page=3');
    expect(last.items).toEqual([41, 42, 43, 44, 45]);
    expect(last.headers['X-Next-Page']).toBe('');
    expect(last.headers.Link).not.toContain('rel="next"');
  });

  it('holds a hundred at most', () => {
    expect(page('?per_page=1000').headers['X-Per-Page']).toBe('100');
  });

  it('tells no total of what is not counted', () => {
    expect(page('', false).headers).not.toHaveProperty('X-Total');
    expect(page('', false).headers['X-Next-Page']).toBe('2');
  });
});
