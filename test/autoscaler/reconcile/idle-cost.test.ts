import { expect, it } from 'vitest';
import { reconcilerSettings } from '../../../autoscaler/reconcile/reconciler.construct.ts';
import { reconcileWorld } from './reconcile-world.ts';

/** USD, us-east-1, without any free tier. Sources: the services' pricing pages, 2026. */
const prices = {
  lambdaCall: 0.2 / 1e6,
  lambdaGibibyteSecond: 0.000_013_333_4,
  readUnit: 0.125 / 1e6,
  writeUnit: 0.625 / 1e6,
  secretRead: 0.05 / 1e4,
  logGigabyte: 0.5,
};
const daysAMonth = 365 / 12;
/** Generous: a warm pass makes three calls to AWS at the same time; one that asks GitLab about a few projects some more. */
const idlePassSeconds = 0.15;
const gitlabPassSeconds = 1.2;
/** The wrapper writes one line for each pass. */
const bytesOfLogPerPass = 250;
/** The secret's text is kept for a quarter of an hour. */
const secretReadsADay = 24 * 4;

it('a deployment in which nothing happens pays less than ten cents a month for its reconciler', async () => {
  const counts = { reads: 0, writes: 0, gitlab: 0 };
  const world = reconcileWorld();
  for (const projectId of [7, 8, 9]) await world.memory.noteProject({ projectId, path: null }, '2030-01-02');
  const counting = <Port extends object>(port: Port, count: (call: string) => void): Port =>
    new Proxy(port, {
      get(target, property, receiver) {
        const method: unknown = Reflect.get(target, property, receiver);
        if (typeof method !== 'function') return method;
        return (...args: unknown[]) => {
          count(String(property));
          return method.apply(target, args) as unknown;
        };
      },
    });
  const table = (call: string) => {
    // A strongly consistent read of a small item is one unit, a query of a small index half of one.
    if (call === 'writeMemory' || call === 'noteProject') counts.writes += 1;
    else counts.reads += call === 'readMemory' ? 1 : 0.5;
  };
  Object.assign(world.ports, {
    store: counting(world.store, table),
    memory: counting(world.memory, table),
    gitlab: counting(world.gitlab, () => {
      counts.gitlab += 1;
    }),
  });
  await world.pass(24 * 60);
  expect(world.context.lines).toEqual([]);

  const rounds = (24 * 60) / 5;
  // Our own runners, and the waiting jobs of three projects, in every round.
  expect(counts.gitlab).toBe(rounds * 4);
  const passes = 24 * 60;
  const seconds = (passes - rounds) * idlePassSeconds + rounds * gitlabPassSeconds;
  const usdADay = {
    calls: passes * prices.lambdaCall,
    time: (seconds * reconcilerSettings.memoryMiB * prices.lambdaGibibyteSecond) / 1_024,
    reads: counts.reads * prices.readUnit,
    writes: counts.writes * prices.writeUnit,
    secret: secretReadsADay * prices.secretRead,
    log: (passes * bytesOfLogPerPass * prices.logGigabyte) / 1e9,
  };
  const usdAMonth = Object.values(usdADay).reduce((sum, usd) => sum + usd, 0) * daysAMonth;
  expect(usdAMonth).toBeLessThan(0.1);
  // And not by a factor that nobody would notice.
  expect(usdAMonth).toBeGreaterThan(0.03);
});
