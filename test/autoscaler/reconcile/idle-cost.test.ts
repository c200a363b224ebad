import { expect, it } from 'vitest';
import { usdOf } from '../../idle-cost/prices.ts';
import { reconcilerOfAnIdleMonth, roundsADay } from './idle-month.ts';

it('a deployment in which nothing happens pays less than ten cents a month for its reconciler', async () => {
  const { usage, gitlabCallsADay, limitLooksADay, limitWritesADay, lines } = await reconcilerOfAnIdleMonth();
  // No line, and so no metric, each of which would cost three times as much as all the rest.
  expect(lines).toEqual([]);
  // Our own runners, and the waiting jobs of three projects, in every round.
  expect(gitlabCallsADay).toBe(roundsADay * 4);
  // Not in every pass, and written down when it changes.
  expect([limitLooksADay, limitWritesADay]).toEqual([roundsADay, 1]);

  const usdAMonth = usdOf(usage);
  expect(usdAMonth).toBeLessThan(0.1);
  // And not by a factor that nobody would notice.
  expect(usdAMonth).toBeGreaterThan(0.03);
});
