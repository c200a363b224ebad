import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { emptyGate } from '../../../autoscaler/runner-store/gate-item.ts';
import type { RunnerItem } from '../../../autoscaler/runner-store/runner-item.ts';
import {
  RunnerStateChangedError,
  type RunnersStore,
  type RunnerUpdate,
  type StoreWrite,
} from '../../../autoscaler/runner-store/runners-store.ts';
import { heldTicket, type RunnerTicket } from '../../../infrastructure/kit/runner-ticket.ts';
import { launchGroupOf, runnerItem } from '../../support/builders.ts';

export type StoreUnderTest = {
  readonly store: RunnersStore;
  /** Leaves the tables empty. */
  readonly reset: () => Promise<void>;
};

const cap = (limit: number, counter = 'cap#deployment') => ({ counter, limit });
const update = (changes: Partial<RunnerUpdate> = {}) =>
  ({ kind: 'update', job: 'job#7#1', from: ['ADMITTED'], set: { state: 'REGISTERED' }, ...changes }) as const;
const ticket = (id: string): RunnerTicket => ({
  id,
  token: 'glrt-fake-token',
  job: 'job#7#1',
  expiresAt: 2_000_000_000,
});

/**
 * What every store of the runners does, whether its tables are in memory or in DynamoDB. `make` is called before each
 * test.
 */
export function describeRunnersStore(name: string, make: () => StoreUnderTest | Promise<StoreUnderTest>): void {
  describe(name, () => {
    let store: RunnersStore;
    let reset: () => Promise<void>;

    beforeEach(async () => {
      ({ store, reset } = await make());
    });
    afterEach(() => reset());

    const put = (item: RunnerItem) => store.write({ kind: 'put', item, over: null });
    /** The positions of the parts that the store refuses. */
    const refusedOf = (...parts: StoreWrite[]) =>
      store.write(...parts).then(
        () => 'written',
        (error: unknown) => {
          if (error instanceof RunnerStateChangedError) return error.refused;
          throw error;
        },
      );

    describe('an item', () => {
      it('is read as it was written, and is null before', async () => {
        expect(await store.read('job#7#1')).toBeNull();
        const item = runnerItem({
          state: 'LAUNCHED',
          tags: ['docker', 'linux'],
          caps: [cap(3)],
          runnerId: 5,
          ticketId: 'i-1',
          instanceId: 'i-1',
          launchGroup: launchGroupOf({ source: { ...launchGroupOf().source, maxPriceUsd: 0.1 } }),
        });
        await put(item);
        expect(await store.read('job#7#1')).toEqual(item);
      });

      it('is put over nothing only where there is nothing', async () => {
        await put(runnerItem());
        expect(await refusedOf({ kind: 'put', item: runnerItem({ attempt: 2 }), over: null })).toEqual([0]);
        expect(await store.read('job#7#1')).toEqual(runnerItem());
      });

      it('is put by one of many at the same moment', async () => {
        const puts = [1, 2, 3, 4, 5].map((n) =>
          refusedOf({ kind: 'put', item: runnerItem({ admittedBy: `execution ${n}` }), over: null }),
        );
        const outcomes = await Promise.all(puts);
        expect(outcomes.filter((outcome) => outcome === 'written')).toHaveLength(1);
        expect(outcomes.filter((outcome) => outcome !== 'written')).toEqual([[0], [0], [0], [0]]);
      });

      it.each<[string, Partial<RunnerItem>]>([
        ['another state', { state: 'WAITING' }],
        ['another attempt', { attempt: 2 }],
        ['somebody else’s admission', { admittedBy: 'somebody else' }],
        ['a job that went on', { jobState: 'RUNNING' }],
      ])('is put over what was read, but not over %s', async (_, changes) => {
        const read = runnerItem({ state: 'FAILED' });
        const next = runnerItem({ attempt: 9 });
        await put(runnerItem({ ...read, ...changes }));
        expect(await refusedOf({ kind: 'put', item: next, over: read })).toEqual([0]);
        expect(await refusedOf({ kind: 'put', item: next, over: runnerItem({ ...read, ...changes }) })).toBe('written');
        expect(await store.read('job#7#1')).toEqual(next);
      });

      it('is put over another whole: nothing of the other one is left', async () => {
        const failed = runnerItem({ state: 'FAILED', failure: 'x', runnerId: 5 });
        await put(failed);
        await store.write({ kind: 'put', item: runnerItem(), over: failed });
        expect(await store.read('job#7#1')).toEqual(runnerItem());
      });

      it('is not put over an attempt that was begun and given up since it was read', async () => {
        const waiting = runnerItem({ state: 'WAITING', attempt: 4, admittedBy: 'one' });
        await put(waiting);
        await store.write({ kind: 'put', item: { ...waiting, state: 'ADMITTED' }, over: waiting });
        const set = { state: 'WAITING', attemptBegun: true } as const;
        await store.write({ kind: 'update', job: waiting.pk, from: ['ADMITTED'], set });
        const again = { ...waiting, state: 'ADMITTED', admittedBy: 'other' } as const;
        expect(await refusedOf({ kind: 'put', item: again, over: waiting })).toEqual([0]);
        await store.write({ kind: 'put', item: again, over: { ...waiting, attemptBegun: true } });
      });

      it('is not put over what is gone', async () => {
        expect(await refusedOf({ kind: 'put', item: runnerItem(), over: runnerItem() })).toEqual([0]);
        expect(await store.read('job#7#1')).toBeNull();
      });
    });

    describe('an update', () => {
      it('sets and removes attributes and leaves the others', async () => {
        await put(runnerItem({ failure: 'x' }));
        await store.write(update({ set: { state: 'REGISTERED', runnerId: 5 }, remove: ['failure', 'live'] }));
        const { live, ...rest } = runnerItem({ state: 'REGISTERED', runnerId: 5 });
        expect(live).toBe('live');
        expect(await store.read('job#7#1')).toEqual(rest);
      });

      it('removes what is not there', async () => {
        await put(runnerItem());
        await store.write(update({ remove: ['failure'] }));
        expect(await store.read('job#7#1')).toEqual(runnerItem({ state: 'REGISTERED' }));
      });

      it('leaves an attribute alone that is to be set to nothing', async () => {
        await put(runnerItem({ failure: 'x' }));
        const nothing: Record<string, unknown> = { state: 'REGISTERED', failure: undefined };
        await store.write(update({ set: nothing }));
        expect(await store.read('job#7#1')).toMatchObject({ failure: 'x' });
      });

      it.each<[string, Partial<RunnerUpdate>]>([
        ['from another state', { from: ['REGISTERED', 'LAUNCHED'] }],
        ['of another attempt', { attempt: 2 }],
        ['of an attribute that is another', { only: { jobState: 'RUNNING' } }],
        ['of an attribute that is there', { only: { ticketId: undefined } }],
        ['of an attribute that is missing', { only: { takenJob: 'job#7#2' } }],
        ['of another group', { only: { launchGroup: launchGroupOf({ jobs: ['job#7#1'] }) } }],
        ['of an item that does not exist', { job: 'job#7#9' }],
      ])('%s is refused and changes nothing', async (_, changes) => {
        const item = runnerItem({ ticketId: 't', launchGroup: launchGroupOf({ jobs: ['job#7#2'] }) });
        await put(item);
        expect(await refusedOf(update(changes))).toEqual([0]);
        expect(await store.read('job#7#1')).toEqual(item);
        expect(await store.read('job#7#9')).toBeNull();
      });

      it('is written when all that it demands holds', async () => {
        const launchGroup = launchGroupOf({ jobs: ['job#7#1', 'job#7#2'] });
        const { id, jobs, ...rest } = launchGroup;
        await put(runnerItem({ launchGroup }));
        const only = {
          launchGroup: { ...rest, jobs: [...jobs], id },
          takenJob: undefined,
          jobState: 'PENDING',
        };
        expect(await refusedOf(update({ from: ['WAITING', 'ADMITTED'], attempt: 1, only }))).toBe('written');
      });

      it('is written by one of many at the same moment', async () => {
        await put(runnerItem());
        const outcomes = await Promise.all(
          [1, 2, 3, 4, 5].map((runnerId) => refusedOf(update({ set: { state: 'REGISTERED', runnerId } }))),
        );
        expect(outcomes.filter((outcome) => outcome === 'written')).toHaveLength(1);
      });
    });

    describe('a cap', () => {
      it('gives as many places as its limit, to many at the same moment', async () => {
        const takes = Array.from({ length: 5 }, () => refusedOf({ kind: 'take-place', cap: cap(3) }));
        const outcomes = await Promise.all(takes);
        expect(outcomes.filter((outcome) => outcome === 'written')).toHaveLength(3);
      });

      it('gives a place that somebody gave back', async () => {
        await store.write({ kind: 'take-place', cap: cap(1) });
        expect(await refusedOf({ kind: 'take-place', cap: cap(1) })).toEqual([0]);
        await store.write({ kind: 'give-place-back', cap: cap(1) });
        expect(await refusedOf({ kind: 'take-place', cap: cap(1) })).toBe('written');
      });

      it('takes no place back that nobody took', async () => {
        expect(await refusedOf({ kind: 'give-place-back', cap: cap(1) })).toEqual([0]);
        await store.write({ kind: 'take-place', cap: cap(1) });
        await store.write({ kind: 'give-place-back', cap: cap(1) });
        expect(await refusedOf({ kind: 'give-place-back', cap: cap(1) })).toEqual([0]);
      });

      it('may be changed while places are taken', async () => {
        await store.write({ kind: 'take-place', cap: cap(1) });
        expect(await refusedOf({ kind: 'take-place', cap: cap(2) })).toBe('written');
        expect(await refusedOf({ kind: 'take-place', cap: cap(1) })).toEqual([0]);
      });

      it('says how many places are taken, none for a counter that nobody ever used', async () => {
        await store.write({ kind: 'take-place', cap: cap(3) });
        await store.write({ kind: 'take-place', cap: cap(3) });
        await store.write({ kind: 'take-place', cap: cap(1, 'cap#profile#large') });
        await store.write({ kind: 'give-place-back', cap: cap(1, 'cap#profile#large') });
        const taken = await store.placesTaken(['cap#deployment', 'cap#profile#large', 'cap#mapping#x']);
        expect([...taken].sort()).toEqual([
          ['cap#deployment', 2],
          ['cap#mapping#x', 0],
          ['cap#profile#large', 0],
        ]);
        expect((await store.placesTaken([])).size).toBe(0);
      });

      it('counts for itself', async () => {
        await store.write({ kind: 'take-place', cap: cap(1) });
        expect(await refusedOf({ kind: 'take-place', cap: cap(1, 'cap#profile#large') })).toBe('written');
      });
    });

    describe('a ticket', () => {
      it('is there until it is removed, and removing it again is success', async () => {
        expect(await store.readTicket('i-1')).toBeNull();
        await store.write({ kind: 'put-ticket', ticket: ticket('i-1') });
        expect(await store.readTicket('i-1')).toEqual(ticket('i-1'));
        await store.write({ kind: 'remove-ticket', id: 'i-1' });
        await store.write({ kind: 'remove-ticket', id: 'i-1' });
        expect(await store.readTicket('i-1')).toBeNull();
      });

      it('is taken back once, together with what else is written', async () => {
        await put(runnerItem({ state: 'LAUNCHED' }));
        await store.write({ kind: 'put-ticket', ticket: ticket('i-1') });
        const stop = update({ from: ['LAUNCHED'], set: { state: 'STOPPING' } });
        await store.write(stop, { kind: 'take-ticket-back', id: 'i-1' });
        expect(await store.readTicket('i-1')).toBeNull();
        expect(await store.read('job#7#1')).toMatchObject({ state: 'STOPPING' });
        expect(await refusedOf({ kind: 'take-ticket-back', id: 'i-1' })).toEqual([0]);
      });

      it('that was claimed cannot be taken back, and nothing else is written then', async () => {
        await put(runnerItem({ state: 'LAUNCHED' }));
        const stop = update({ from: ['LAUNCHED'], set: { state: 'STOPPING' } });
        expect(await refusedOf(stop, { kind: 'take-ticket-back', id: 'i-1' })).toEqual([1]);
        expect(await store.read('job#7#1')).toMatchObject({ state: 'LAUNCHED' });
      });

      it('gives way to one that says "held" while its token is there', async () => {
        const held = heldTicket('i-1', 'job#7#1', 2_000_000_000);
        const replace = { kind: 'replace-ticket', ticket: held } as const;
        expect(await refusedOf(replace)).toEqual([0]);
        await store.write({ kind: 'put-ticket', ticket: ticket('i-1') });
        await store.write(replace);
        expect(await store.readTicket('i-1')).toEqual(held);
        expect(await refusedOf(replace)).toEqual([0]);
      });

      it('is replaced by another one of the same id', async () => {
        await store.write({ kind: 'put-ticket', ticket: ticket('i-1') });
        await store.write({ kind: 'put-ticket', ticket: { ...ticket('i-1'), token: 'glrt-fake-other' } });
        expect(await store.readTicket('i-1')).toMatchObject({ token: 'glrt-fake-other' });
      });
    });

    describe('the gate of a project', () => {
      const gate = (version: number) => ({ ...emptyGate(7), version, stuck: { 1: version } });

      it('is null before, and read as it was written', async () => {
        expect(await store.readGate(7)).toBeNull();
        await store.write({ kind: 'put-gate', gate: gate(1), over: 0 });
        expect(await store.readGate(7)).toEqual(gate(1));
        expect(await store.readGate(8)).toBeNull();
      });

      it('is put over the one that was read, together with all else or not at all', async () => {
        await put(runnerItem());
        await store.write({ kind: 'put-gate', gate: gate(1), over: 0 });
        expect(await refusedOf({ kind: 'put-gate', gate: gate(1), over: 0 }, update())).toEqual([0]);
        expect(await store.read('job#7#1')).toMatchObject({ state: 'ADMITTED' });
        await store.write({ kind: 'put-gate', gate: gate(2), over: 1 }, update());
        expect(await store.readGate(7)).toEqual(gate(2));
        expect(await store.read('job#7#1')).toMatchObject({ state: 'REGISTERED' });
      });
    });

    describe('several parts', () => {
      it('are written together', async () => {
        await put(runnerItem());
        await store.write(
          update({ set: { state: 'REGISTERED', runnerId: 5, ticketId: 'job#7#1' } }),
          { kind: 'put-ticket', ticket: ticket('job#7#1') },
          { kind: 'take-place', cap: cap(1) },
          { kind: 'remove-ticket', id: 'never there' },
        );
        expect(await store.read('job#7#1')).toMatchObject({ state: 'REGISTERED', runnerId: 5 });
        expect(await store.readTicket('job#7#1')).toEqual(ticket('job#7#1'));
        expect(await refusedOf({ kind: 'take-place', cap: cap(1) })).toEqual([0]);
      });

      it('are refused together, and the store says which ones were at fault', async () => {
        await put(runnerItem());
        await store.write({ kind: 'take-place', cap: cap(1) });
        const refused = await refusedOf(
          update({ from: ['LAUNCHED'] }),
          { kind: 'put-ticket', ticket: ticket('job#7#1') },
          { kind: 'take-place', cap: cap(1) },
          { kind: 'take-place', cap: cap(1, 'cap#profile#large') },
        );
        expect(refused).toEqual([0, 2]);
        expect(await store.read('job#7#1')).toEqual(runnerItem());
        expect(await store.readTicket('job#7#1')).toBeNull();
        expect(await refusedOf({ kind: 'take-place', cap: cap(1, 'cap#profile#large') })).toBe('written');
      });

      it('move as one when many come at the same moment', async () => {
        const admissions = [1, 2, 3, 4, 5].map((jobId) =>
          refusedOf({ kind: 'put', item: runnerItem({ jobId }), over: null }, { kind: 'take-place', cap: cap(2) }),
        );
        const outcomes = await Promise.all(admissions);
        expect(outcomes.filter((outcome) => outcome === 'written')).toHaveLength(2);
        expect(outcomes.filter((outcome) => outcome !== 'written')).toEqual([[1], [1], [1]]);
        const items = await Promise.all([1, 2, 3, 4, 5].map((jobId) => store.read(`job#7#${jobId}`)));
        expect(items.filter((item) => item !== null)).toHaveLength(2);
      });

      it('may be none', async () => {
        expect(await refusedOf()).toBe('written');
      });
    });

    // An index follows its table after a moment, hence the polling.
    describe('the index by runner', () => {
      it('finds the item of a runner, as it is now', async () => {
        await put(runnerItem());
        await put(runnerItem({ jobId: 2, state: 'REGISTERED', runnerId: 6 }));
        await store.write(update({ set: { state: 'REGISTERED', runnerId: 5 } }));
        await expect.poll(() => store.readByRunnerId(5)).toMatchObject({ pk: 'job#7#1' });
        await store.write(update({ from: ['REGISTERED'], set: { state: 'LAUNCHED' } }));
        expect(await store.readByRunnerId(5)).toMatchObject({ state: 'LAUNCHED' });
      });

      it('finds nothing for a runner that is not ours, or is not this item’s any more', async () => {
        const failed = runnerItem({ state: 'FAILED', runnerId: 5 });
        await put(failed);
        expect(await store.readByRunnerId(4)).toBeNull();
        await store.write({ kind: 'put', item: runnerItem({ attempt: 2 }), over: failed });
        expect(await store.readByRunnerId(5)).toBeNull();
      });
    });

    describe('the index by instance', () => {
      it('finds the item of the runner on an instance, as it is now, also when that runner has ended', async () => {
        await put(runnerItem({ state: 'REGISTERED' }));
        await put(runnerItem({ jobId: 2, state: 'RELEASED', instanceId: 'i-2' }));
        await store.write(update({ from: ['REGISTERED'], set: { state: 'LAUNCHED', instanceId: 'i-1' } }));
        await expect.poll(() => store.readByInstanceId('i-1')).toMatchObject({ pk: 'job#7#1', state: 'LAUNCHED' });
        await expect.poll(() => store.readByInstanceId('i-2')).toMatchObject({ pk: 'job#7#2' });
      });

      it('finds nothing for an instance that is not ours, or was an earlier attempt’s', async () => {
        const failed = runnerItem({ state: 'FAILED', instanceId: 'i-1' });
        await put(failed);
        expect(await store.readByInstanceId('i-2')).toBeNull();
        await store.write({ kind: 'put', item: runnerItem({ attempt: 2 }), over: failed });
        expect(await store.readByInstanceId('i-1')).toBeNull();
      });
    });

    describe('the index of live items', () => {
      it('holds the items with the mark, whole, the oldest first, and no counters', async () => {
        const at = (second: number) => `2030-01-01T00:00:0${second}.000Z`;
        const [young, old, middle] = [3, 1, 2].map((second) =>
          runnerItem({ jobId: second, admittedAt: at(second), tags: ['docker'] }),
        ) as [RunnerItem, RunnerItem, RunnerItem];
        const { live: _mark, ...over } = runnerItem({ jobId: 4, state: 'RELEASED' });
        for (const item of [young, old, middle, over]) await put(item);
        await store.write({ kind: 'take-place', cap: cap(1) });
        await expect.poll(() => store.readLive()).toEqual([old, middle, young]);
      });

      it('loses an item together with its mark', async () => {
        await put(runnerItem());
        await expect.poll(() => store.readLive()).toHaveLength(1);
        await store.write(update({ set: { state: 'RELEASED' }, remove: ['live'] }));
        await expect.poll(() => store.readLive()).toEqual([]);
      });

      it('finds those of a project, and those of a long-lived runner, from when they are its hosts', async () => {
        const [one, other, host] = [runnerItem(), runnerItem({ jobId: 2, projectId: 8 }), runnerItem({ jobId: 3 })];
        for (const item of [one, other, host]) await put(item);
        await expect.poll(() => store.readLiveOf('project#7')).toEqual([one, host]);
        await store.write({ kind: 'update', job: host.pk, from: ['ADMITTED'], set: { managerOf: 900 } });
        await expect.poll(() => store.readLiveOf('project#7')).toEqual([one]);
        await expect.poll(() => store.readLiveOf('runner#900')).toEqual([{ ...host, managerOf: 900 }]);
        await store.write(update({ job: one.pk, set: { state: 'RELEASED' }, remove: ['live'] }));
        await expect.poll(() => store.readLiveOf('project#7')).toEqual([]);
        await expect.poll(() => store.readLiveOf('project#8')).toEqual([other]);
      });

      it('finds those that wait for a place by themselves, and also among all others', async () => {
        const waiting = runnerItem({ state: 'WAITING', live: 'waiting' });
        const admitted = runnerItem({ jobId: 2, admittedAt: '2030-01-01T00:00:09.000Z' });
        for (const item of [admitted, waiting]) await put(item);
        const whoWaits = () => store.readWaiting(null);
        await expect.poll(whoWaits).toEqual([waiting]);
        expect(await store.readWaiting(waiting)).toEqual([]);
        await expect.poll(() => store.readLive()).toEqual([waiting, admitted]);
        await store.write({ kind: 'put', item: runnerItem(), over: waiting });
        await expect.poll(whoWaits).toEqual([]);
        await expect.poll(() => store.readLive()).toHaveLength(2);
      });

      it('reads more items than one page holds', async () => {
        const long = 'x'.repeat(60_000);
        const items = Array.from({ length: 24 }, (_, index) => runnerItem({ jobId: index + 1, failure: long }));
        for (const item of items) await put(item);
        await expect.poll(async () => (await store.readLive()).length).toBe(24);
      });
    });
  });
}
