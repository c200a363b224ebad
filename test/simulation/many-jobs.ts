import { jobMapping } from '../support/builders.ts';
import { createRandom, seedOf } from './random.ts';
import { type Fault, type PlannedJob, projectIds, type Schedule, type Settings, type Trouble } from './schedule.ts';

/** A deployment without caps, whose jobs all run on hosts. */
const settings: Settings = {
  reconciler: true,
  maxAttempts: 3,
  maxConcurrent: undefined,
  profiles: { default: { type: 'EC2', timeoutMinutes: 60 } },
  onDemand: 'fallback',
  mappings: [jobMapping()],
  cancelsAtOnce: true,
  writesLate: false,
};

export type ManyJobs = {
  readonly jobs: number;
  /** They all come within so many seconds. */
  readonly withinSeconds: number;
  readonly shortestSeconds: number;
  readonly longestSeconds: number;
};

/** Many jobs almost at once, and a limit that is not enough for all of them at the same time. */
export function manyJobs(seed: number, { jobs, ...many }: ManyJobs, limit: Pick<LimitOf, 'kind' | 'most'>): Schedule {
  const random = createRandom(seedOf(seed, 'many jobs'));
  const planned = Array.from({ length: jobs }, (_, index): PlannedJob => {
    const pendingAt = random.whole(0, many.withinSeconds);
    return {
      index,
      projectId: projectIds[0],
      name: 'build',
      tags: ['docker'],
      createdAt: pendingAt,
      pendingAt,
      durationSeconds: random.whole(many.shortestSeconds, many.longestSeconds),
      result: 'success',
      canceledAt: null,
      retried: false,
    };
  });
  const fault: Fault = { index: 0, ...limit, from: 0, seconds: longestSeconds };
  return { seed, settings, jobs: planned, faults: [fault] };
}

type LimitOf = Extract<Trouble, { readonly most: number }>;

/** A limit that does not end as long as there are jobs. */
const longestSeconds = 2 * 60 * 60;

/**
 * So many jobs within a minute, where GitLab allows four calls a minute for three of them: 1,500 under GitLab.com's
 * 2,000.
 */
export function burst(seed: number, jobs: number): Schedule {
  const many = { jobs, withinSeconds: 60, shortestSeconds: 60, longestSeconds: 120 };
  return manyJobs(seed, many, { kind: 'calls-limited', most: Math.ceil((jobs * 4) / 3) });
}
