import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { demandOf, whoLacks } from '../../../autoscaler/demand/demand.ts';
import { isAlike } from '../../../autoscaler/demand/kind.ts';
import { runnerItem } from '../../support/builders.ts';

const waits = (jobId: number, changes = {}) => runnerItem({ jobId, state: 'RELEASED', ...changes });
const idle = (jobId: number, changes = {}) => runnerItem({ jobId, state: 'LAUNCHED', jobState: 'RUNNING', ...changes });
const idsOf = (items: readonly { readonly event: { readonly jobId: number } }[]) =>
  items.map(({ event }) => event.jobId).sort((a, b) => a - b);

describe('jobs are of one kind', () => {
  it('when project, tags and profile are the same, in whatever order the tags are', () => {
    expect(isAlike(waits(1, { tags: ['a', 'b'] }), waits(2, { tags: ['b', 'a'] }))).toBe(true);
    expect(isAlike(waits(1, { tags: ['a', 'b'] }), waits(2, { tags: ['a,b'] }))).toBe(false);
    expect(isAlike(waits(1), waits(1, { projectId: 8 }))).toBe(false);
    expect(isAlike(waits(1), waits(1, { profile: 'large' }))).toBe(false);
    expect(isAlike(waits(1), waits(1, { managerOf: 900 }))).toBe(false);
    expect(isAlike(waits(1), waits(1, { accessLevel: 'ref_protected' }))).toBe(false);
  });
});

describe('demand', () => {
  it('is held against idle runners of the same kind, whatever job each was made for', () => {
    const { unneeded, unserved } = demandOf([waits(1), waits(2), waits(3), idle(4), idle(5)]);
    expect([idsOf(unneeded), unserved.length]).toEqual([[], 1]);
  });

  it('is met by a runner with more tags, but an untagged job needs an untagged runner', () => {
    const docker = idle(4, { tags: ['docker', 'linux'] });
    expect(idsOf(demandOf([waits(1, { tags: ['docker'] }), docker]).unserved)).toEqual([]);
    expect(idsOf(demandOf([waits(1), docker]).unserved)).toEqual([1]);
    expect(idsOf(demandOf([waits(1, { tags: ['gpu'] }), docker]).unserved)).toEqual([1]);
  });

  it('is not met by a runner of another profile or project', () => {
    expect(idsOf(demandOf([waits(1), idle(4, { profile: 'large' })]).unserved)).toEqual([1]);
    expect(idsOf(demandOf([waits(1), idle(4, { projectId: 8 })]).unserved)).toEqual([1]);
  });

  it('of a profile that was protected meanwhile is not met by a runner for protected refs alone', () => {
    const forProtected = { accessLevel: 'ref_protected' };
    expect(idsOf(demandOf([waits(1), idle(4, forProtected)]).unserved)).toEqual([1]);
    expect(idsOf(demandOf([waits(1, forProtected), idle(4, forProtected)]).unserved)).toEqual([]);
    expect(idsOf(demandOf([waits(1, forProtected), idle(4)]).unserved)).toEqual([]);
    expect(whoLacks(idle(9, forProtected), [waits(1)])).toBeNull();
  });

  it('passes runners on between kinds, so that as many jobs as possible are served', () => {
    const live = [waits(1, { tags: ['a'] }), waits(2, { tags: ['b'] }), idle(3, { tags: ['a', 'b'] })];
    expect(demandOf(live).unserved).toHaveLength(1);
    expect(demandOf([...live, idle(4, { tags: ['a'] })])).toEqual({ unneeded: [], unserved: [] });
  });

  it('keeps the oldest runners of a kind', () => {
    const [old, young] = [idle(4, { admittedAt: '2030-01-01T00:00:00.000Z' }), idle(3)];
    expect(idsOf(demandOf([young, waits(1), old]).unneeded)).toEqual([3]);
  });

  it('leaves those without a runner to ask for one themselves, rather than those whose runner is busy', () => {
    const robbed = runnerItem({ jobId: 2, state: 'RUNNING', takenJob: 'job#7#9' });
    expect(idsOf(demandOf([waits(1), robbed, idle(3)]).unserved)).toEqual([1]);
    expect(idsOf(demandOf([waits(1), robbed, idle(3)], ({ pk }) => pk === robbed.pk).unserved)).toEqual([2]);
  });

  it('names the job that counted on a runner, in the kind next to it where its own has enough', () => {
    const gone = idle(9, { state: 'RELEASED', tags: ['a', 'b'] });
    expect(whoLacks(gone, [waits(1, { tags: ['a'] }), gone])?.event.jobId).toBe(1);
    expect(whoLacks(gone, [waits(1, { tags: ['c'] }), gone])).toBeNull();
    expect(whoLacks(gone, [waits(1, { tags: ['a'] }), idle(2, { tags: ['a'] }), gone])).toBeNull();
  });

  it('knows the same whatever the order of the items', () => {
    const tags = fc.uniqueArray(fc.constantFrom('a', 'b', 'c'), { maxLength: 2 });
    const crowds = fc.array(fc.record({ tags, waiting: fc.boolean() }), { maxLength: 8 });
    fc.assert(
      fc.property(crowds, (crowd) => {
        const live = crowd.map(({ waiting, ...rest }, index) => (waiting ? waits(index, rest) : idle(index, rest)));
        const [one, other] = [demandOf(live), demandOf(live.toReversed())];
        expect(other.unserved.length).toBe(one.unserved.length);
        expect(other.unneeded.length).toBe(one.unneeded.length);
      }),
    );
  });
});
