import { describe, expect, it } from 'vitest';
import {
  lambdaJobsAtOnce,
  reserveOf,
  underLambdaLimit,
} from '../../../../autoscaler/runner-types/lambda/lambda-limit.ts';
import { choice } from '../../../support/builders.ts';

describe('what jobs leave to ingest and control plane', () => {
  it.each([
    [10, 5],
    [20, 5],
    [50, 13],
    [100, 25],
    [400, 100],
    [1_000, 100],
    [5_000, 100],
  ])('of %d executions at the same time is %d', (unreserved, reserve) => {
    expect(reserveOf(unreserved)).toBe(reserve);
    expect(lambdaJobsAtOnce(unreserved)).toBe(unreserved - reserve);
  });

  it('is never less when the account may do more, and so are the jobs', () => {
    for (let unreserved = 11; unreserved <= 1_200; unreserved += 1) {
      expect(reserveOf(unreserved)).toBeGreaterThanOrEqual(reserveOf(unreserved - 1));
      expect(lambdaJobsAtOnce(unreserved)).toBeGreaterThanOrEqual(lambdaJobsAtOnce(unreserved - 1));
    }
  });

  it('is all but one where others reserved nearly everything: who waits for ever is no use', () => {
    expect(lambdaJobsAtOnce(3)).toBe(1);
  });
});

describe('the caps of a job that came before the limit was changed', () => {
  const profile = { counter: 'cap#profile#shell', limit: 3 };

  it('are those of now', () => {
    const item = choice({ type: 'LAMBDA', caps: [{ counter: 'cap#lambda', limit: 5 }, profile] });
    expect(underLambdaLimit(item, 900).caps).toEqual([{ counter: 'cap#lambda', limit: 900 }, profile]);
  });

  it('stay as they are where the job is no function’s', () => {
    const item = choice({ caps: [profile] });
    expect(underLambdaLimit(item, 900)).toBe(item);
  });
});
