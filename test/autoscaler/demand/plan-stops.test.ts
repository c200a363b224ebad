import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type PlannedStop, planStops, type SeenRunners } from '../../../autoscaler/demand/plan-stops.ts';
import { jobStates, type RunnerItem, runnerStates } from '../../../autoscaler/runner-store/runner-item.ts';
import { finishedJob, pendingJob, runnerItem } from '../../support/builders.ts';

/** States in which something may have to be removed. */
const hasRunner = ({ state }: RunnerItem) => ['REGISTERED', 'LAUNCHED', 'RUNNING', 'STOPPING'].includes(state);

/** The event of job 1. */
const event = finishedJob({ jobId: 1, runnerId: 501 });
const job = 'job#7#1';

const stopped = (seen: Partial<SeenRunners>, of = event) =>
  planStops(of, { own: null, byRunner: null, live: [], ...seen }).map(({ item }) => item.pk);

const busy = (jobId: number, takenJob: RunnerItem['takenJob'], changes: Partial<RunnerItem> = {}) =>
  runnerItem({ jobId, state: 'RUNNING', ...(takenJob ? { takenJob } : {}), ...changes });
const idle = (jobId: number, changes: Partial<RunnerItem> = {}) => runnerItem({ jobId, state: 'LAUNCHED', ...changes });

describe('hosts of a long-lived runner', () => {
  const host = (jobId: number, managerOf = 900) =>
    idle(jobId, { managerOf, profile: 'shared', instanceId: `i-${jobId}` });
  const starved = (jobId: number, managerOf = 900) =>
    busy(jobId, 'job#7#9', { managerOf, event: pendingJob({ jobId, projectId: 8 }), tags: ['other'] });

  it('serve jobs of other projects and tags too, as far as they are the same runner’s', () => {
    expect(stopped({ own: host(1), live: [host(1), starved(2)] })).toEqual([]);
    expect(stopped({ own: host(1), live: [host(1), starved(2, 901)] })).toEqual([job]);
  });

  it('do not count for jobs that have runners of their own', () => {
    const waiting = busy(2, 'job#7#9', { runnerId: 502 });
    expect(stopped({ own: host(1), live: [host(1), waiting] })).toEqual([job]);
  });

  it('stop one by one: the host that took the job, and no other', () => {
    const [own, taker] = [{ ...host(1), jobState: 'PENDING' as const }, busy(2, job, { managerOf: 900 })];
    const waiting = { ...host(3), jobState: 'PENDING' as const };
    // The job of host 2 waits, and host 1 can serve it.
    expect(stopped({ own, byRunner: taker, live: [own, taker, waiting] })).toEqual(['job#7#2']);
  });
});

describe('the runner that took the job', () => {
  it('stops when it was the job’s own', () => {
    const own = busy(1, job);
    expect(stopped({ own, byRunner: own, live: [own] })).toEqual([job]);
  });

  it('stops when it was made for another job', () => {
    const own = busy(1, 'job#7#2');
    const other = busy(2, job);
    expect(stopped({ own, byRunner: other, live: [own, other] })).toEqual(['job#7#2']);
  });

  it('stops when nobody had noted yet what it took', () => {
    const own = idle(1);
    expect(stopped({ own, byRunner: own })).toEqual([job]);
  });

  it('stops when the event names no runner because it is gone from GitLab', () => {
    expect(stopped({ own: busy(1, job) }, finishedJob({ jobId: 1 }))).toEqual([job]);
  });

  it('stops when it was made for another job, and the event names no runner because it is gone from GitLab', () => {
    const [own, other] = [busy(1, 'job#7#2'), busy(2, job)];
    expect(stopped({ own, live: [own, other] }, finishedJob({ jobId: 1 }))).toEqual(['job#7#2']);
  });

  it('stops when the job itself was never ours', () => {
    const other = busy(2, job);
    expect(stopped({ byRunner: other, live: [other] })).toEqual(['job#7#2']);
  });

  it('is left alone once it serves another job', () => {
    const own = busy(1, 'job#7#2');
    expect(stopped({ own, byRunner: own, live: [own] })).toEqual([]);
  });

  it.each(['WAITING', 'ADMITTED', 'RELEASED', 'FAILED'] as const)('is nothing to stop when it is %s', (state) => {
    expect(stopped({ byRunner: runnerItem({ jobId: 2, state }) })).toEqual([]);
  });
});

describe('the job’s own runner, when another runner took the job', () => {
  const taker = busy(2, job, { jobState: 'FINISHED' });

  it('stops when it is idle and nobody waits', () => {
    const own = idle(1, { jobState: 'FINISHED' });
    expect(stopped({ own, byRunner: taker, live: [own, taker] })).toEqual(['job#7#2', job]);
  });

  it('stops when the job ran on somebody else’s runner', () => {
    const own = idle(1, { jobState: 'FINISHED' });
    expect(stopped({ own, live: [own] })).toEqual([job]);
  });

  it('stays for a job whose own runner took another one', () => {
    const own = idle(1);
    const starved = busy(3, 'job#7#2', { jobState: 'PENDING' });
    expect(stopped({ own, byRunner: taker, live: [own, taker, starved] })).toEqual(['job#7#2']);
  });

  it.each(['ADMITTED', 'REGISTERED', 'LAUNCHED'] as const)(
    'stays for a job whose own runner has ended, also while it is only %s',
    (state) => {
      const own = runnerItem({ state });
      const starved = runnerItem({ jobId: 3, state: 'RELEASED' });
      expect(stopped({ own, byRunner: taker, live: [own, taker, starved] })).toEqual(['job#7#2']);
    },
  );

  it.each<[string, Partial<RunnerItem>]>([
    ['runs already', { jobState: 'RUNNING' }],
    ['is over', { jobState: 'FINISHED' }],
    ['has its own runner on the way', { state: 'LAUNCHED' }],
    ['failed and is asked for again', { state: 'FAILED' }],
    ['waits for a place of its own', { state: 'WAITING' }],
    ['is of another project', { event: finishedJob({ jobId: 3, projectId: 8 }), pk: 'job#8#3' }],
    ['has a tag that the runner lacks', { tags: ['gpu'] }],
  ])('does not stay for a job that %s', (_, changes) => {
    const own = idle(1);
    const other = runnerItem({ jobId: 3, state: 'RELEASED', ...changes });
    expect(stopped({ own, live: [own, other] })).toContain(job);
  });

  it('stays for a job with fewer tags, but an untagged job is no use to a tagged runner', () => {
    const own = idle(1, { tags: ['docker', 'linux'] });
    expect(stopped({ own, live: [own, runnerItem({ jobId: 3, state: 'RELEASED', tags: ['linux'] })] })).toEqual([]);
    expect(stopped({ own, live: [own, runnerItem({ jobId: 3, state: 'RELEASED', tags: [] })] })).toEqual([job]);
  });

  it('stops alone, whoever else is idle: another event answers for that', () => {
    const spares = [idle(1), idle(2, { jobState: 'FINISHED' }), idle(3, { jobState: 'RUNNING' })];
    const starved = runnerItem({ jobId: 4, state: 'RELEASED' });
    expect(stopped({ own: idle(1), live: [...spares, starved] })).toHaveLength(1);
    expect(stopped({ own: idle(1), live: spares })).toEqual([job]);
  });

  it('stays for a waiting job, in whose favour a younger idle one ends', () => {
    const younger = idle(2, { jobState: 'FINISHED', admittedAt: '2030-01-01T00:10:00.000Z' });
    const starved = runnerItem({ jobId: 4, state: 'RELEASED' });
    expect(stopped({ own: idle(1), live: [idle(1), younger, starved] })).toEqual(['job#7#2']);
  });

  it('does not stay for a job of another profile, although its tags are the same', () => {
    const starved = runnerItem({ jobId: 4, state: 'RELEASED', profile: 'large' });
    expect(stopped({ own: idle(1), live: [idle(1), starved] })).toEqual([job]);
  });

  it('is compared with every starved job, so that each that can keep a runner does', () => {
    const own = idle(1, { tags: ['docker', 'gpu'], admittedAt: '2030-01-01T00:00:00.000Z' });
    const one = idle(3, { jobState: 'FINISHED', tags: ['docker'] });
    const wantsOne = runnerItem({ jobId: 4, state: 'RELEASED', tags: ['docker'] });
    const wantsBoth = runnerItem({ jobId: 5, state: 'RELEASED', tags: ['docker', 'gpu'] });
    expect(stopped({ own, live: [own, one, wantsOne, wantsBoth] })).toEqual([]);
    expect(stopped({ own, live: [own, one, wantsOne] })).toEqual([job]);
  });
});

describe('a job that was canceled while it was pending', () => {
  const canceled = finishedJob({ jobId: 1, status: 'canceled' });

  it.each(['ADMITTED', 'REGISTERED', 'LAUNCHED', 'STOPPING'] as const)('ends its runner that is %s', (state) => {
    expect(stopped({ own: runnerItem({ state }) }, canceled)).toEqual([job]);
  });

  it.each(['WAITING', 'RELEASED', 'FAILED'] as const)('has nothing to stop when its item is %s', (state) => {
    expect(stopped({ own: runnerItem({ state }) }, canceled)).toEqual([]);
  });

  it('leaves its runner to the job that it runs', () => {
    expect(stopped({ own: busy(1, 'job#7#2') }, canceled)).toEqual([]);
  });
});

describe('an idle runner of another job', () => {
  it('stays for its own job, which still waits', () => {
    expect(stopped({ live: [idle(2), runnerItem({ jobId: 3, state: 'REGISTERED' })] })).toEqual([]);
  });

  it.each(['RUNNING', 'FINISHED'] as const)('is left to other events when its own job is %s elsewhere', (jobState) => {
    expect(stopped({ live: [idle(2, { jobState })] })).toEqual([]);
  });

  it('stops when the job that is over counted on it, whose own runner had ended or was busy', () => {
    const spare = idle(2, { jobState: 'RUNNING' });
    const released = runnerItem({ state: 'RELEASED', jobState: 'FINISHED' });
    expect(stopped({ own: released, live: [released, spare] })).toEqual(['job#7#2']);
    const robbed = busy(1, 'job#7#2', { jobState: 'FINISHED' });
    expect(stopped({ own: robbed, live: [robbed, spare] })).toEqual(['job#7#2']);
  });
});

describe('whatever is seen', () => {
  const jobKey = (jobId: number) => `job#7#${jobId}` as const;
  const tags = fc.uniqueArray(fc.constantFrom('a', 'b'));
  const itemOf = (jobId: number) =>
    fc
      .record({
        state: fc.constantFrom(...runnerStates),
        jobState: fc.constantFrom(...jobStates),
        taken: fc.option(fc.integer({ min: 1, max: 6 })),
        tags,
        admittedAt: fc.integer({ min: 10, max: 59 }).map((second) => `2030-01-01T00:00:${second}.000Z`),
      })
      .map(({ taken, ...rest }) => {
        const serves = rest.state === 'RUNNING' || rest.state === 'STOPPING' || rest.state === 'RELEASED';
        const takenJob = rest.state === 'RUNNING' ? jobKey(taken ?? jobId) : taken && serves ? jobKey(taken) : null;
        return runnerItem({ jobId, ...rest, ...(takenJob ? { takenJob } : {}) });
      });
  const worlds = fc
    .tuple(
      fc.tuple(...[1, 2, 3, 4, 5, 6].map(itemOf)),
      fc.subarray([1, 2, 3, 4, 5, 6]),
      fc.option(fc.integer({ min: 1, max: 6 })),
    )
    .map(([all, known, named]) => {
      const items = all.filter((item) => known.includes(item.event.jobId));
      const own = items.find((item) => item.pk === job) ?? null;
      const byRunner = items.find((item) => item.event.jobId === named && hasRunner(item)) ?? null;
      return { own, byRunner, live: items };
    });

  it('no runner stops that serves another job', () => {
    fc.assert(
      fc.property(worlds, (seen) => {
        for (const { item } of planStops(event, seen)) {
          const servesAnother = item.state === 'RUNNING' && item.takenJob !== undefined && item.takenJob !== job;
          expect(servesAnother).toBe(false);
        }
      }),
      { numRuns: 500 },
    );
  });

  it('no idle runner stops whose own job waits, except for the job that is over', () => {
    fc.assert(
      fc.property(worlds, (seen) => {
        for (const { item } of planStops(event, seen)) {
          if (item.pk === job || item.pk === seen.byRunner?.pk || item.takenJob === job) continue;
          expect(item).toMatchObject({ jobState: expect.not.stringMatching('PENDING') });
        }
      }),
      { numRuns: 500 },
    );
  });

  it('as many starved jobs can have an idle runner as before', () => {
    const manyTags = fc.uniqueArray(fc.constantFrom('a', 'b', 'c'), { maxLength: 2 });
    const spareOrStarved = (jobId: number) =>
      fc
        .record({ spare: fc.boolean(), tags: manyTags, second: fc.integer({ min: 10, max: 59 }) })
        .map(({ spare, second, ...rest }) => {
          const admittedAt = `2030-01-01T00:00:${second}.000Z`;
          const item = { jobId, admittedAt, ...rest };
          return spare ? idle(jobId, { ...item, jobState: 'RUNNING' }) : runnerItem({ ...item, state: 'RELEASED' });
        });
    const crowds = fc.tuple(...[1, 2, 3, 4, 5, 6, 7].map(spareOrStarved));
    fc.assert(
      fc.property(crowds, (live) => {
        const [own = null] = live;
        const seen = { own, byRunner: null, live };
        const stops = planStops(event, seen);
        const spares = sparesOf(seen, stops, false);
        const kept = sparesOf(seen, stops, true);
        expect(mostPairs(starvedOf(seen), kept)).toBe(mostPairs(starvedOf(seen), spares));
      }),
      { numRuns: 1_000 },
    );
  });

  it('of many alike jobs that are canceled together each ends one idle runner, and none is left', () => {
    const counts = fc.record({ canceled: fc.integer({ min: 1, max: 12 }), starved: fc.integer({ min: 0, max: 4 }) });
    fc.assert(
      fc.property(counts, ({ canceled, starved }) => {
        const ids = Array.from({ length: canceled }, (_, index) => index + 1);
        const runners = ids.map((jobId) => idle(jobId, { jobState: 'FINISHED' }));
        const waiting = Array.from({ length: starved }, (_, index) =>
          runnerItem({ jobId: 100 + index, state: 'RELEASED' }),
        );
        const plans = runners.map((own) =>
          stopped({ own, live: [...runners, ...waiting] }, finishedJob({ jobId: own.event.jobId, status: 'canceled' })),
        );
        expect(plans.flat().length).toBeLessThanOrEqual(canceled);
        expect(new Set(plans.flat()).size).toBe(Math.max(0, canceled - starved));
      }),
    );
  });

  it('each runner stops once, and what stops has something to stop', () => {
    fc.assert(
      fc.property(worlds, (seen) => {
        const stops = planStops(event, seen).map(({ item }) => item);
        expect(new Set(stops.map(({ pk }) => pk)).size).toBe(stops.length);
        for (const item of stops) expect(hasRunner(item) || item.state === 'ADMITTED').toBe(true);
      }),
    );
  });

  /** Idle runners whose own job does not need them; `kept` leaves out those that stop. */
  function sparesOf({ live }: SeenRunners, stops: readonly PlannedStop[], kept: boolean): RunnerItem[] {
    const took = stops.filter(({ reason }) => /took|its job/.test(reason)).map(({ item }) => item.pk);
    const gone = kept ? stops.map(({ item }) => item.pk) : took;
    return live.filter(
      (item) =>
        ['ADMITTED', 'REGISTERED', 'LAUNCHED'].includes(item.state) &&
        !item.takenJob &&
        (item.jobState !== 'PENDING' || item.pk === job) &&
        !gone.includes(item.pk),
    );
  }

  /** Jobs that wait although their own runner took another job or has ended. */
  function starvedOf({ live }: SeenRunners): RunnerItem[] {
    return live.filter(
      (item) =>
        item.pk !== job &&
        item.jobState === 'PENDING' &&
        (item.state === 'RELEASED' || (item.takenJob && item.takenJob !== item.pk)),
    );
  }

  /** The most jobs that can have a runner each, found by trying all ways. */
  function mostPairs([first, ...rest]: readonly RunnerItem[], runners: readonly RunnerItem[]): number {
    if (!first) return 0;
    const without = mostPairs(rest, runners);
    const suits = ({ tags: offered }: RunnerItem) =>
      first.tags.length === 0 ? offered.length === 0 : first.tags.every((tag) => offered.includes(tag));
    const withOne = runners.filter(suits).map(
      (runner) =>
        1 +
        mostPairs(
          rest,
          runners.filter((other) => other !== runner),
        ),
    );
    return Math.max(without, ...withOne);
  }
});
