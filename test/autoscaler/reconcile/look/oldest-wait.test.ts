import { expect, it } from 'vitest';
import { emptyMemory, type ReconcilerMemory } from '../../../../autoscaler/reconcile/look/memory.ts';
import { oldestWaitOf } from '../../../../autoscaler/reconcile/look/oldest-wait.ts';
import { testStart } from '../../../support/builders.ts';

const secondsAfter = (seconds: number) => testStart + seconds * 1_000;
const remembering = (...entries: readonly (readonly [key: string, since: number, tries?: number])[]) => {
  const suspicions: ReconcilerMemory['suspicions'] = Object.fromEntries(
    entries.map(([key, since, tries = 0]) => [key, { since, lastLook: since, looks: 1, tries, lastTry: 0 }]),
  );
  return { ...emptyMemory, suspicions };
};

it('the oldest wait is that of the job that was first seen without a runner, however often it was asked for', () => {
  const memory = remembering(
    ['start-lost-job job#7#1', testStart, 9],
    ['start-waiting-job job#7#2', secondsAfter(30)],
    ['remove-instance i-1', secondsAfter(-100)],
  );
  expect(oldestWaitOf(memory, [], secondsAfter(70))).toBe(70);
});

it('where no job waits, there is no oldest wait', () => {
  expect(oldestWaitOf(remembering(['finish-job job#7#1', testStart]), [], secondsAfter(70))).toBe(0);
});
