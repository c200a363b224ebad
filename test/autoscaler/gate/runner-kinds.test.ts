import { describe, expect, it } from 'vitest';
import type { GatedRunner, LineJob } from '../../../autoscaler/gate/gate-line.ts';
import { createKinds } from '../../../autoscaler/gate/runner-kinds.ts';
import { testStart } from '../../support/builders.ts';
import { gatedRunner, lineJob } from './line-builders.ts';

const shell = { profile: 'shell' };
const deploy = { profile: 'deploy', isForProtected: true };
const at = (seconds: number) => testStart + seconds * 1_000;

/** The kinds of the runners; `open`: how many of each runner's kind may ask. */
function kindsOf(
  line: readonly LineJob[],
  runners: readonly (GatedRunner & { readonly open?: number })[],
  { stuck = {}, seconds = 0 }: { readonly stuck?: Readonly<Record<string, number>>; readonly seconds?: number } = {},
) {
  const kinds = createKinds(line, runners, stuck, at(seconds));
  for (const runner of runners) kinds.of(runner).open += runner.open ?? 0;
  return kinds;
}

/** Whether each that may ask of the first runner's kind finds a job of its own profile. */
function isFirstSafe(...given: Parameters<typeof kindsOf>): boolean {
  const kinds = kindsOf(...given);
  return kinds.isSafe(kinds.of(given[1][0] as GatedRunner));
}

function runnerWith(open: number, changes: Partial<GatedRunner> = {}, jobId = 1) {
  return { ...gatedRunner(jobId, { key: `${jobId} of ${changes.profile ?? 'default'}`, ...changes }), open };
}

describe('kinds of runners', () => {
  it('are told apart by profile, tags, patience and protection, and not by the order of tags', () => {
    const alike = [gatedRunner(1, { tags: ['a', 'b'] }), gatedRunner(2, { tags: ['b', 'a'] })];
    const others = [{ tags: ['a'] }, { exact: 0 }, { isForProtected: true }, { profile: 'shell' }];
    const runners = [...alike, ...others.map((changes, index) => gatedRunner(3 + index, changes))];
    expect(kindsOf([], runners).all).toHaveLength(5);
  });

  it('know the jobs of others that come before the last of their own', () => {
    const line = [lineJob(1, shell), lineJob(2), lineJob(3, shell), lineJob(4), lineJob(5, shell)];
    const [kind] = kindsOf(line, [gatedRunner(2)]).all;
    expect(kind?.before.map(({ id }) => id)).toEqual([1, 3]);
  });

  it('go in the order of their jobs, those whose host is there first', () => {
    const runners = [gatedRunner(4), gatedRunner(2), gatedRunner(5, { isReady: true }), gatedRunner(3)];
    const [group] = kindsOf([], runners).groupsOf(runners);
    expect(group?.runners.map(({ jobId }) => jobId)).toEqual([5, 2, 3, 4]);
  });
});

describe('a job that nobody starts', () => {
  const stuck = { 2: at(100) };
  const passedBy = (line: readonly LineJob[], seconds: number) =>
    kindsOf(line, [gatedRunner(9)], { stuck, seconds }).all[0]?.passed.map(({ id }) => id);
  const notComing = lineJob(2, { ...shell, isComing: false });

  it('is waited for no longer than the first job behind it waits', () => {
    const line = [lineJob(1, { waitsSince: at(0) }), notComing, lineJob(3, { waitsSince: at(200) })];
    expect(passedBy(line, 450)).toEqual([]);
    expect(passedBy(line, 500)).toEqual([2]);
  });

  it('is waited for by the clock of the first of which we know since when it waits', () => {
    const line = [notComing, lineJob(3, { waitsSince: null }), lineJob(4, { waitsSince: at(200) })];
    expect(passedBy(line, 499)).toEqual([]);
    expect(passedBy(line, 500)).toEqual([2]);
  });

  it('is not passed where nobody is behind it', () => {
    expect(passedBy([notComing], 10_000)).toEqual([]);
  });
});

describe('whether all that may ask find a job of their profile', () => {
  it('counts those of other profiles that find the same jobs first', () => {
    const one = [lineJob(1)];
    expect(isFirstSafe(one, [runnerWith(1), runnerWith(0, shell, 2)])).toBe(true);
    expect(isFirstSafe(one, [runnerWith(1), runnerWith(1, shell, 2)])).toBe(false);
  });

  it('counts those of its own profile, also where only they are for protected refs', () => {
    const one = [lineJob(1, { isProtected: true })];
    expect(isFirstSafe(one, [runnerWith(1), runnerWith(1, { isForProtected: true }, 2)])).toBe(false);
  });

  describe('of a profile for protected refs', () => {
    const line = [lineJob(1), lineJob(3, { profile: 'deploy', isProtected: true })];

    it('does not count others that find their own jobs before', () => {
      expect(isFirstSafe(line, [runnerWith(1, deploy, 3), runnerWith(1)])).toBe(true);
    });

    it('counts others of which more may ask than find a job of their own before', () => {
      expect(isFirstSafe(line, [runnerWith(1, deploy, 3), runnerWith(2)])).toBe(false);
    });

    it('counts others that pass a job', () => {
      const passing = [lineJob(0, { ...shell, isComing: false }), ...line];
      const seen = { stuck: { 0: at(0) }, seconds: 300 };
      expect(isFirstSafe(passing, [runnerWith(1, deploy, 3), runnerWith(1)], seen)).toBe(false);
      expect(isFirstSafe(passing, [runnerWith(1, deploy, 3), runnerWith(0)], seen)).toBe(true);
    });
  });

  it('lets one more ask where those that it would take from do not ask', () => {
    const large = { tags: ['aws', 'large'] };
    const line = [lineJob(1, { tags: ['large'] }), lineJob(2, { tags: ['large'] }), lineJob(3, shell)];
    const mayOpen = (shells: number) => {
      const runners = [runnerWith(1, large), runnerWith(shells, shell, 3)];
      const kinds = kindsOf(line, runners);
      return kinds.mayOpen(kinds.of(runners[0] as GatedRunner));
    };
    expect(mayOpen(0)).toBe(true);
    expect(mayOpen(1)).toBe(false);
  });
});
