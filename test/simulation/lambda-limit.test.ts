import { expect, it } from 'vitest';
import { jobMapping } from '../support/builders.ts';
import { type Composition, realComposition } from './composition.ts';
import { createRandom, seedOf } from './random.ts';
import { runSchedule } from './run-schedule.ts';
import { projectIds, type Schedule, type Settings } from './schedule.ts';

/** A deployment whose jobs all run in functions, and whose user thought of no cap. */
const settings: Settings = {
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
  mappings: [jobMapping({ target: { type: 'LAMBDA', function: 'shell' } })],
  cancelsAtOnce: true,
  writesLate: false,
};

/** So many jobs at almost the same time, each of some minutes. */
function burst(seed: number, lambdaLimit: number, jobs: number): Schedule {
  const random = createRandom(seedOf(seed, 'lambda limit'));
  return {
    seed,
    settings: { ...settings, lambdaLimit },
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
      const { violation, worstWaitSeconds } = await runSchedule(burst(seed, limit, jobs));
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
  const { violation } = await runSchedule(burst(1, 10, 30), uncounted);
  expect(violation?.invariant).toBe('6 executions are left for the control plane');
});
