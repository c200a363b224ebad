import { describe, expect, it } from 'vitest';
import { jobMapping } from '../support/builders.ts';
import { type Composition, realComposition } from './composition.ts';
import { burst, manyJobs } from './many-jobs.ts';
import { createRandom, seedOf } from './random.ts';
import { runSchedule } from './run-schedule.ts';
import { projectIds, type Schedule, type Settings } from './schedule.ts';

/** What a place that becomes free may wait for the next look, and a boot. */
const nextStartSeconds = 3 * 60;

describe('under a limit that is not enough for all jobs at once, each has its runner when its turn has come', () => {
  it.each([1, 2, 3])(
    'six jobs of 25 minutes on two instances, as the account’s quota has it (seed %i)',
    async (seed) => {
      const minutes = 25;
      const jobs = { jobs: 6, withinSeconds: 10, shortestSeconds: minutes * 60, longestSeconds: minutes * 60 };
      const report = await runSchedule(manyJobs(seed, jobs, { kind: 'instances-limited', most: 2 }));
      expect(report.violation).toBeNull();
      // The last two come after two others each.
      expect(report.worstWaitSeconds).toBeGreaterThan(2 * minutes * 60);
      expect(report.worstWaitSeconds).toBeLessThan(2 * (minutes * 60 + nextStartSeconds));
    },
  );

  it('80 jobs where GitLab has 50 runners at most', async () => {
    const jobs = { jobs: 80, withinSeconds: 20, shortestSeconds: 60, longestSeconds: 120 };
    const report = await runSchedule(manyJobs(1, jobs, { kind: 'runners-limited', most: 50 }));
    expect(report.violation).toBeNull();
    expect(report.faults.get('runners-limited')).toBeGreaterThan(80);
    expect(report.worstWaitSeconds).toBeGreaterThan(60);
    expect(report.worstWaitSeconds).toBeLessThan(120 + nextStartSeconds);
  });

  it('a burst, where GitLab takes four calls a minute for three of its jobs', async () => {
    const report = await runSchedule(burst(1, 150));
    expect(report.violation).toBeNull();
    expect(report.faults.get('call-refused')).toBeGreaterThan(0);
    expect(report.worstWaitSeconds).toBeLessThan(60 + nextStartSeconds);
  });
});

/** A deployment whose jobs all run in functions, and whose user thought of no cap. */
const withFunctions: Settings = {
  reconciler: true,
  maxAttempts: 3,
  maxConcurrent: undefined,
  profiles: {
    shell: {
      type: 'LAMBDA',
      timeoutMinutes: 13,
      functionArn: 'arn:aws:lambda:eu-central-1:123456789012:function:shell',
    },
  },
  onDemand: 'fallback',
  mappings: [jobMapping({ target: { type: 'LAMBDA', profile: 'shell' } })],
  cancelsAtOnce: true,
  writesLate: false,
};

/** So many jobs at almost the same time, each of some minutes. */
function burstOfFunctions(seed: number, lambdaLimit: number, jobs: number): Schedule {
  const random = createRandom(seedOf(seed, 'lambda limit'));
  return {
    seed,
    settings: { ...withFunctions, lambdaLimit },
    faults: [],
    jobs: Array.from({ length: jobs }, (_, index) => {
      const pendingAt = random.whole(0, 20);
      return {
        index,
        projectId: projectIds[0],
        name: 'build',
        tags: ['aws'],
        createdAt: pendingAt,
        pendingAt,
        durationSeconds: random.whole(30, 200),
        result: 'success',
        canceledAt: null,
        retried: false,
      } as const;
    }),
  };
}

it.each([
  [10, 30],
  [16, 40],
])(
  'of %i executions that the account may run, %i jobs leave some to the control plane, and all get their turn',
  async (limit, jobs) => {
    for (let seed = 1; seed <= 5; seed += 1) {
      const { violation, worstWaitSeconds } = await runSchedule(burstOfFunctions(seed, limit, jobs));
      expect(violation).toBeNull();
      // They did wait for each other.
      expect(worstWaitSeconds).toBeGreaterThan(60);
    }
  },
);

it('a release that counts no functions is found', async () => {
  const uncounted: Composition = {
    ...realComposition,
    ports: ({ lambdaLimit: _, ...ports }) => ports,
  };
  const { violation } = await runSchedule(burstOfFunctions(1, 10, 30), uncounted);
  expect(violation?.invariant).toBe('6 executions are left for the control plane');
});
