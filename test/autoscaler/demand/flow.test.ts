import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createFlow } from '../../../autoscaler/demand/flow.ts';

const sum = (counts: readonly number[]) => counts.reduce((a, b) => a + b, 0);
const none = (length: number) => new Array<number>(length).fill(0);

/** The most jobs that can have a runner each, one by one: https://en.wikipedia.org/wiki/Augmenting_path */
function bestMatching(fits: readonly (readonly number[])[], jobs: readonly number[], runners: readonly number[]) {
  const single = runners.flatMap((count, kind) => Array.from({ length: count }, () => kind));
  const jobOf = new Map<number, number>();
  const wanted = jobs.flatMap((count, kind) => Array.from({ length: count }, () => kind));
  const serve = (job: number, tried: Set<number>): boolean =>
    single.some((kind, runner) => {
      if (tried.has(runner) || !fits[wanted[job] ?? -1]?.includes(kind)) return false;
      tried.add(runner);
      const rival = jobOf.get(runner);
      if (rival !== undefined && !serve(rival, tried)) return false;
      jobOf.set(runner, job);
      return true;
    });
  return wanted.filter((_, job) => serve(job, new Set())).length;
}

const problems = fc.integer({ min: 1, max: 6 }).chain((kinds) =>
  fc.record({
    fits: fc.array(fc.uniqueArray(fc.nat({ max: kinds - 1 })), { minLength: 1, maxLength: 6 }),
    runners: fc.array(fc.nat({ max: 4 }), { minLength: kinds, maxLength: kinds }),
    wanted: fc.array(fc.nat({ max: 4 }), { minLength: 6, maxLength: 6 }),
    later: fc.array(fc.nat({ max: 3 }), { minLength: 6, maxLength: 6 }),
  }),
);

describe('a flow from kinds of jobs to kinds of runners', () => {
  it('serves as many jobs as the best matching does, and says whose runners are left', () => {
    fc.assert(
      fc.property(problems, ({ fits, runners, wanted }) => {
        const jobs = wanted.slice(0, fits.length);
        const flow = createFlow(fits, runners);
        const served = sum(jobs) - sum(flow.serve(jobs));
        expect(served).toBe(bestMatching(fits, jobs, runners));
        expect(sum(runners) - sum(flow.free)).toBe(served);
        for (const free of flow.free) expect(free).toBeGreaterThanOrEqual(0);
      }),
      { numRuns: 2_000 },
    );
  });

  it('serves those that come later as well as may be, and takes nothing from who was served', () => {
    fc.assert(
      fc.property(problems, ({ fits, runners, wanted, later }) => {
        const [first, second] = [wanted.slice(0, fits.length), later.slice(0, fits.length)];
        const flow = createFlow(fits, runners);
        const served = sum(first) - sum(flow.serve(first));
        const more = sum(second) - sum(flow.serve(second));
        expect(served).toBe(bestMatching(fits, first, runners));
        const both = first.map((count, kind) => count + (second[kind] ?? 0));
        expect(served + more).toBe(bestMatching(fits, both, runners));
      }),
      { numRuns: 1_000 },
    );
  });

  it('names who lacks a runner exactly when one more would serve one more job', () => {
    fc.assert(
      fc.property(problems, fc.nat(), ({ fits, runners, wanted }, any) => {
        const jobs = wanted.slice(0, fits.length);
        const kind = any % runners.length;
        const flow = createFlow(fits, runners);
        const left = flow.serve(jobs);
        const lacking = flow.whoLacks(kind, left);
        const more = runners.map((count, index) => (index === kind ? count + 1 : count));
        const would = bestMatching(fits, jobs, more) > bestMatching(fits, jobs, runners);
        expect(lacking !== null).toBe(would);
        if (lacking !== null) expect(left[lacking]).toBeGreaterThan(0);
      }),
      { numRuns: 1_000 },
    );
  });

  it('follows a chain of many thousand kinds to its end', () => {
    const length = 20_000;
    // Each job can have its own runner or the next one's; the last runner is the only one that is free.
    const fits = Array.from({ length }, (_, job) => (job + 1 < length ? [job + 1, job] : [job]));
    const flow = createFlow(fits, new Array<number>(length).fill(1));
    const others = fits.map((_, job) => (job + 1 < length ? 1 : 0));
    expect(sum(flow.serve(others))).toBe(0);
    expect(sum(flow.serve(fits.map((_, job) => (job + 1 === length ? 1 : 0))))).toBe(0);
    expect(flow.free).toEqual(none(length));
  });

  it('has nothing to give where there are no runners, and no jobs', () => {
    expect(createFlow([[]], []).serve([3])).toEqual([3]);
    expect(createFlow([], [2]).serve([])).toEqual([]);
  });
});
