import { beforeEach, describe, expect, it } from 'vitest';
import type { GateQueue } from '../../../autoscaler/gate/gate-queue.ts';

const [first, second] = [
  { id: 'first', until: 30_000 },
  { id: 'second', until: 40_000 },
];

/** What every queue of decisions does, wherever it is kept. */
export function describeGateQueue(what: string, make: () => { queue: GateQueue; reset: () => Promise<void> }): void {
  describe(what, () => {
    let queue: GateQueue;
    beforeEach(async () => {
      const made = make();
      await made.reset();
      queue = made.queue;
      expect(await queue.join(7, 1, first, 1_000)).toEqual([]);
    });

    it('hands jobs on to whoever decides, each time those that came since', async () => {
      expect(await queue.join(7, 2, second, 1_000)).toBeNull();
      expect(await queue.join(7, 3, second, 1_000)).toBeNull();
      expect(await queue.next(7, first)).toEqual([2, 3]);
      expect(await queue.join(7, 2, second, 1_000)).toBeNull();
      expect(await queue.next(7, first)).toEqual([2]);
      expect(await queue.next(7, first)).toBeNull();
    });

    it('has whoever decides look again for an event about no job', async () => {
      await queue.join(7, null, second, 1_000);
      expect(await queue.next(7, first)).toEqual([]);
      expect(await queue.next(7, first)).toBeNull();
    });

    it('is free when nothing came meanwhile, and when it was left', async () => {
      expect(await queue.next(7, first)).toBeNull();
      expect(await queue.join(7, 2, second, 1_000)).toEqual([]);
      expect(await queue.leave(7, second)).toBe(false);
      expect(await queue.join(7, 1, first, 1_000)).toEqual([]);
    });

    it('keeps what was handed on for the next one when it was left', async () => {
      await queue.join(7, 2, second, 1_000);
      expect(await queue.leave(7, first)).toBe(true);
      expect(await queue.join(7, 3, second, 1_000)).toEqual([2]);
    });

    it('goes to the next one when whoever decides has died, with what was handed on', async () => {
      await queue.join(7, 2, second, 30_000);
      expect(await queue.join(7, 3, second, 30_001)).toEqual([2]);
      expect(await queue.next(7, first)).toBeNull();
      expect(await queue.leave(7, first)).toBe(false);
      expect(await queue.next(7, second)).toBeNull();
    });

    it('stays with one who joins twice, since his first answer was lost', async () => {
      await queue.join(7, 2, second, 1_000);
      expect(await queue.join(7, 1, first, 1_000)).toEqual([2]);
      expect(await queue.next(7, first)).toBeNull();
    });

    it('is one for each project', async () => {
      expect(await queue.join(8, 2, second, 1_000)).toEqual([]);
      expect(await queue.join(7, 2, second, 1_000)).toBeNull();
    });

    it('of many who come at once has one decide, and loses none', async () => {
      await queue.next(7, first);
      const keepers = Array.from({ length: 20 }, (_, index) => ({ id: `keeper ${index}`, until: 30_000 }));
      const joined = await Promise.all(keepers.map((keeper, index) => queue.join(7, index, keeper, 1_000)));
      const deciding = joined.findIndex((jobs) => jobs !== null);
      const handedOn = (await queue.next(7, keepers[deciding] ?? first)) ?? [];
      expect(joined.filter((jobs) => jobs !== null)).toEqual([[]]);
      expect([...handedOn, deciding].sort((a, b) => a - b)).toEqual(keepers.map((_, index) => index));
    });
  });
}
