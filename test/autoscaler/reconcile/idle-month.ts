import { reconcilerSettings } from '../../../autoscaler/reconcile/reconcile.construct.ts';
import { metricNames } from '../../../infrastructure/kit/lambda/metrics.ts';
import { daysAMonth, type Usage } from '../../idle-cost/prices.ts';
import type { LogLine } from '../../support/lambda-context.ts';
import { reconcileWorld } from './reconcile-world.ts';

/**
 * Generous: a warm pass makes three calls to AWS at the same time; one that asks GitLab about a few projects some more.
 */
const idlePassSeconds = 0.15;
const gitlabPassSeconds = 1.2;
/** The wrapper writes one line for each pass. */
const bytesOfLogPerPass = 250;
/** The secret's text is kept for a quarter of an hour. */
const secretReadsADay = 24 * 4;
const passes = 24 * 60;
export const roundsADay = passes / 5;

/**
 * What the reconciler uses in a month in which nothing happens, counted over the passes of a day. It knows three
 * projects.
 */
export async function reconcilerOfAnIdleMonth(): Promise<{
  readonly usage: Usage;
  readonly gitlabCallsADay: number;
  /** Of the limit that applies to the account's functions. */
  readonly limitLooksADay: number;
  readonly limitWritesADay: number;
  /** What it wrote to its log beside the wrapper's lines. */
  readonly lines: readonly LogLine[];
}> {
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
  const account = { asked: 0, written: 0 };
  const lambdaLimit = {
    async ask() {
      account.asked += 1;
      return 10;
    },
    async write() {
      account.written += 1;
      counts.writes += 1;
    },
  };
  const table = (call: string) => {
    // A strongly consistent read of a small item is one unit, a query of a small index half of one.
    if (call === 'writeMemory' || call === 'noteProject') counts.writes += 1;
    else counts.reads += call === 'readMemory' ? 1 : 0.5;
  };
  Object.assign(world.ports, {
    lambdaLimit,
    store: counting(world.store, table),
    memory: counting(world.memory, table),
    mappings: counting(world.ports.mappings, table),
    gitlab: counting(world.gitlab, () => {
      counts.gitlab += 1;
    }),
  });
  await world.pass(passes);

  const { lines } = world.context;
  const seconds = (passes - roundsADay) * idlePassSeconds + roundsADay * gitlabPassSeconds;
  const usage: Usage = {
    lambdaCall: passes * daysAMonth,
    lambdaGibibyteSecond: ((seconds * reconcilerSettings.memoryMiB) / 1_024) * daysAMonth,
    readUnit: counts.reads * daysAMonth,
    writeUnit: counts.writes * daysAMonth,
    secretRead: secretReadsADay * daysAMonth,
    logGigabyte: ((passes * bytesOfLogPerPass) / 1e9) * daysAMonth,
    // Each that is counted once an hour is paid for all month.
    customMetric: metricNames.filter((name) => lines.some((line) => name in line)).length,
  };
  return {
    usage,
    gitlabCallsADay: counts.gitlab,
    limitLooksADay: account.asked,
    limitWritesADay: account.written,
    lines,
  };
}
