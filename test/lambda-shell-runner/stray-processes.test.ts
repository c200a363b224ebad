import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { sendSignal } from '../../lambda-shell-runner/processes.client.ts';
import {
  chooseStrays,
  isWithinReach,
  type JobClaim,
  type SeenProcess,
} from '../../lambda-shell-runner/stray-processes.ts';

const own = seen({ pid: 8, startTicks: 100 });
const claim: JobClaim = { executionId: 'run-1', runnerPid: 20, exclusive: false };

function seen(changes: Partial<SeenProcess>): SeenProcess {
  return { pid: 99, state: 'S', group: 5, session: 5, startTicks: 200, uid: 993, executionId: null, ...changes };
}

function isStray(process: SeenProcess, changes: Partial<JobClaim> = {}): boolean {
  return chooseStrays([own, process], own, { ...claim, ...changes }).includes(process);
}

describe('what counts as left behind by a job', () => {
  it.each([
    ['a background process', { session: 20 }],
    ['a process of the runner’s group', { group: 20 }],
    ['a daemon that left the session', { session: 77, executionId: 'run-1' }],
  ])('%s', (_what, process) => {
    expect(isStray(seen(process))).toBe(true);
  });

  it.each([
    ['a process of another user', { session: 20, uid: 0 }],
    ['a process that is dead already', { session: 20, state: 'Z' }],
    ['another job’s process on the same machine', { executionId: 'run-2' }],
    ['whatever else a developer does meanwhile', {}],
  ])('not %s', (_what, process) => {
    expect(isStray(seen(process))).toBe(false);
  });

  it('never ourselves', () => {
    expect(chooseStrays([{ ...own, session: 20, executionId: 'run-1' }], own, { ...claim, exclusive: true })).toEqual(
      [],
    );
  });

  it('where jobs are alone, whatever is younger than the function, even without our marker', () => {
    expect(isStray(seen({ startTicks: 101 }), { exclusive: true })).toBe(true);
    expect(isStray(seen({ startTicks: 100 }), { exclusive: true })).toBe(false);
  });

  it('where jobs are alone, what an earlier function process left', () => {
    expect(isStray(seen({ startTicks: 1, executionId: 'run-0' }), { exclusive: true, runnerPid: null })).toBe(true);
  });
});

describe('what is within reach, however wrong the choice is', () => {
  const anything = fc.record({
    pid: fc.integer({ min: 1, max: 40 }),
    state: fc.constantFrom('S', 'R', 'Z'),
    group: fc.integer({ min: 1, max: 40 }),
    session: fc.integer({ min: 1, max: 40 }),
    startTicks: fc.integer({ min: 0, max: 200 }),
    uid: fc.constantFrom(0, 993),
    executionId: fc.constantFrom(null, 'run-1', 'run-2'),
  });
  const claims = fc.constantFrom(claim, { ...claim, runnerPid: null });

  it('is nothing that a developer does meanwhile, nor anybody else’s, nor ourselves', () => {
    fc.assert(
      fc.property(anything, claims, (process, its) => {
        const isOfJob =
          process.executionId === its.executionId ||
          (its.runnerPid !== null && [process.group, process.session].includes(its.runnerPid));
        const isOurs = process.pid === own.pid || process.pid === 1 || process.uid !== own.uid;
        if (isOfJob && !isOurs && process.startTicks >= own.startTicks) return;
        expect(isWithinReach(process, own, its)).toBe(false);
      }),
    );
  });

  it('is all that is chosen of a job that began after us', () => {
    fc.assert(
      fc.property(anything, claims, fc.boolean(), (process, its, exclusive) => {
        const younger = { ...process, pid: process.pid + 40, startTicks: process.startTicks + own.startTicks };
        const chosen = chooseStrays([younger], own, { ...its, exclusive });
        expect(chosen.filter((one) => !isWithinReach(one, own, { ...its, exclusive }))).toEqual([]);
      }),
    );
  });

  it.each([0, 1, -1, Number.NaN])('is no signal to %s, which means everybody or the first process', (pid) => {
    expect(() => sendSignal(pid, 'SIGCONT')).toThrow(RangeError);
  });
});
