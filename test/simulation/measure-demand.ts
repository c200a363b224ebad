import { drainRunner } from '../../autoscaler/stop-runner/drain-runner.lambda.ts';
import { jobMapping } from '../support/builders.ts';
import { type AllPorts, type Composition, realComposition } from './composition.ts';
import { createRandom, seedOf } from './random.ts';
import { type RunReport, runSchedule } from './run-schedule.ts';
import { type PlannedJob, projectIds, type Schedule, type Settings } from './schedule.ts';

/** What jobs cost that come together, in virtual time: counted, whatever machine counts. */
export type Cost = {
  readonly report: RunReport;
  /** Calls to GitLab, but for the reconciler's. */
  readonly gitlabCalls: number;
  readonly drains: number;
  /** DynamoDB's, of the runners' table, but for the reconciler's. */
  readonly readUnits: number;
};

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

function scheduleOf(
  seed: number,
  jobs: number,
  plan: (index: number) => Partial<PlannedJob>,
  changes: Partial<Settings> = {},
): Schedule {
  const random = createRandom(seedOf(seed, 'demand'));
  const planned = Array.from({ length: jobs }, (_, index): PlannedJob => {
    const pendingAt = random.whole(0, 20);
    return {
      index,
      projectId: projectIds[0],
      name: 'build',
      tags: ['docker'],
      createdAt: pendingAt,
      pendingAt,
      durationSeconds: 60,
      result: 'success',
      canceledAt: null,
      retried: false,
      ...plan(index),
    };
  });
  return { seed, settings: { ...settings, ...changes }, jobs: planned, faults: [] };
}

/** Alike jobs, all canceled in one second while their hosts boot. */
export function canceledWhileBooting(seed: number, jobs: number): Promise<Cost> {
  return measure(scheduleOf(seed, jobs, () => ({ createdAt: 0, pendingAt: 0, canceledAt: 8 })));
}

/** Alike jobs of different lengths, each of which may get any of their runners. */
export function alikeJobs(seed: number, jobs: number): Promise<Cost> {
  const random = createRandom(seedOf(seed, 'lengths'));
  return measure(scheduleOf(seed, jobs, () => ({ durationSeconds: random.whole(30, 180) })));
}

/** Jobs with tags of their own that all come at once, under a cap, in functions, which need no boot. */
export function underCap(seed: number, jobs: number, maxConcurrent: number): Promise<Cost> {
  const own = (index: number) => ({ createdAt: 0, pendingAt: 0, tags: ['docker', `job-${index}`] });
  const functionArn = 'arn:aws:lambda:eu-central-1:123456789012:function:shell';
  const profiles = { shell: { type: 'LAMBDA', timeoutMinutes: 13, functionArn } } as const;
  const mappings = [jobMapping({ target: { type: 'LAMBDA', profile: 'shell' } })];
  return measure(scheduleOf(seed, jobs, own, { maxConcurrent, profiles, mappings }));
}

async function measure(schedule: Schedule): Promise<Cost> {
  const counts = { gitlabCalls: 0, drains: 0, readUnits: 0 };
  const { reconcile, ...lambdas } = realComposition.lambdas;
  const counted = Object.entries(lambdas).map(([name, lambda]) => [
    name,
    {
      ...lambda,
      work: (input: never, ports: AllPorts, context: never) => lambda.work(input, counting(ports), context),
    },
  ]);
  const composition: Composition = {
    ...realComposition,
    lambdas: {
      ...Object.fromEntries(counted),
      reconcile,
      drainRunner: {
        ...lambdas.drainRunner,
        work: (input: never, ports, context) => {
          counts.drains += 1;
          return drainRunner(input, counting(ports), context);
        },
      },
    },
  };
  const report = await runSchedule(schedule, composition);
  return { report, ...counts };

  function counting(ports: AllPorts): AllPorts {
    const { read, readByRunnerId, readByInstanceId, readLive, readLiveOf, readWaiting, placesTaken } = ports.store;
    const units = <Answer>(perUnit: number, cost: (answer: Answer) => number, answer: Answer) => {
      counts.readUnits += Math.max(1, Math.ceil(cost(answer) / 4_096)) * perUnit;
      return answer;
    };
    const size = (item: unknown) => (item ? JSON.stringify(item).length : 0);
    // A consistent read of up to 4 KB is a unit, and a query of an index, which is none, half a unit.
    const store: AllPorts['store'] = {
      ...ports.store,
      read: async (job) => units(1, size, await read(job)),
      readByRunnerId: async (id) => units(1.5, size, await readByRunnerId(id)),
      readByInstanceId: async (id) => units(1.5, size, await readByInstanceId(id)),
      readLive: async () => units(0.5, size, await readLive()),
      readLiveOf: async (pool) => units(0.5, size, await readLiveOf(pool)),
      readWaiting: async (after) => units(0.5, size, await readWaiting(after)),
      async placesTaken(counters) {
        counts.readUnits += counters.length;
        return placesTaken(counters);
      },
    };
    const calls = <Calls extends object>(of: Calls): Calls =>
      Object.fromEntries(
        Object.entries(of).map(([name, call]) => [
          name,
          (...args: unknown[]) => {
            counts.gitlabCalls += 1;
            return (call as (...given: unknown[]) => unknown)(...args);
          },
        ]),
      ) as Calls;
    return { ...ports, store, gitlab: calls(ports.gitlab), jobs: calls(ports.jobs) };
  }
}
