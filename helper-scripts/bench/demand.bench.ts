import Table from 'cli-table3';
import { admitJob } from '../../autoscaler/demand/admit-job.ts';
import { demandOf } from '../../autoscaler/demand/demand.ts';
import type { ReconcileGitLab } from '../../autoscaler/reconcile/reconcile-ports.ts';
import type { RunnerItem } from '../../autoscaler/runner-store/runner-item.ts';
import { conflictBackoff } from '../../autoscaler/runner-store/runners-store.client.ts';
import type { RunnersStore, StoreWrite } from '../../autoscaler/runner-store/runners-store.ts';
import { type JobKey, jobKeyOf } from '../../infrastructure/kit/job-key.ts';
import { retryWithBackoff } from '../../infrastructure/kit/lambda/backoff.ts';
import { reconcileWorld } from '../../test/autoscaler/reconcile/reconcile-world.ts';
import { alikeJobs, canceledWhileBooting, underCap } from '../../test/simulation/measure-demand.ts';
import { choice, pendingJob, runnerItem, testStart } from '../../test/support/builders.ts';
import { inMemoryRunnersStore } from '../../test/support/in-memory-runners-store.ts';
import { seededRandom, virtualClock } from '../../test/support/virtual-clock.ts';
import { buildLambdas } from '../build/build.command.ts';

/*
 * What demand by kind costs: counting jobs and runners, a pass of the reconciler over many live runners, and what jobs
 * that come or go together ask of GitLab and DynamoDB. Processor time is the median of several runs; all else is
 * counted in virtual time, and the same everywhere.
 */

const runs = 7;
const median = (values: readonly number[]) => values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? 0;
const milliseconds = (value: number) => `${value.toFixed(1)} ms`;

/** Processor time of a piece of work, in milliseconds. */
async function timed(work: () => unknown): Promise<number> {
  const before = process.cpuUsage();
  await work();
  const { user, system } = process.cpuUsage(before);
  return (user + system) / 1_000;
}

function show(title: string, head: readonly string[], rows: readonly (readonly string[])[]): void {
  const table = new Table({ head: [title, ...head], style: { head: [], border: [] } });
  table.push(...rows.map((row) => [...row]));
  console.log(table.toString());
}

/** Jobs that starve and idle runners, and which tags each has. */
const crowds: Readonly<Record<string, (index: number) => { readonly job: string[]; readonly runner: string[] }>> = {
  'all alike': () => ({ job: ['docker'], runner: ['docker'] }),
  'each with a tag of its own': (index) => ({ job: [`t${index}`], runner: [`t${index}`] }),
  'each with a tag of its own, and all with another': (index) => ({
    job: ['docker', `t${index}`],
    runner: ['docker', `t${index}`],
  }),
  'a chain: each runner fits two jobs': (index) => ({ job: [`t${index}`], runner: [`t${index}`, `t${index + 1}`] }),
  'half of the tags of the others': (index) => ({
    job: [`t${index % 40}`],
    runner: [`t${index % 40}`, `t${(index * 7) % 40}`],
  }),
};

function crowdOf(size: number, tagsOf: (index: number) => { readonly job: string[]; readonly runner: string[] }) {
  return Array.from({ length: size }, (_, index) => index).flatMap((index) => {
    const { job, runner } = tagsOf(index);
    return [
      runnerItem({ jobId: index + 1, state: 'RELEASED', tags: job }),
      runnerItem({ jobId: 100_000 + index, state: 'LAUNCHED', jobState: 'RUNNING', tags: runner }),
    ];
  });
}

async function matching(): Promise<void> {
  const rows = [];
  for (const [name, tagsOf] of Object.entries(crowds)) {
    const [small, large] = [crowdOf(1_750, tagsOf), crowdOf(3_500, tagsOf)];
    const times: number[][] = [[], []];
    for (let run = 0; run < runs; run += 1) {
      times[0]?.push(await timed(() => demandOf(small)));
      times[1]?.push(await timed(() => demandOf(large)));
    }
    rows.push([name, ...times.map((each) => milliseconds(median(each))), String(demandOf(large).unserved.length)]);
  }
  show('starved jobs and idle runners', ['1,750 each', '3,500 each', 'unserved'], rows);
}

/** Live items of all kinds that a pass meets, and what GitLab and EC2 say of them. */
const mixes: Readonly<Record<string, (index: number) => Partial<RunnerItem>>> = {
  'busy, each with its own job': (index) => ({
    state: 'RUNNING',
    jobState: 'RUNNING',
    takenJob: `job#${7 + (index % 40)}#${index + 1}`,
  }),
  'crossed: each with the job of the next': (index) => ({
    state: 'RUNNING',
    jobState: index % 2 === 0 ? 'RUNNING' : 'PENDING',
    takenJob: `job#${7 + (index % 40)}#${index + 41}`,
  }),
  'half starved, half idle': (index) =>
    index % 2 === 0 ? { state: 'RELEASED' } : { state: 'LAUNCHED', jobState: 'RUNNING' },
  'idle, each of a kind of its own': (index) => ({ state: 'LAUNCHED', jobState: 'FINISHED', tags: [`t${index}`] }),
};

async function passes(): Promise<void> {
  const rows = [];
  for (const [name, changesOf] of Object.entries(mixes)) {
    const figures: string[] = [];
    for (const size of [5_000, 10_000]) {
      const times: number[] = [];
      for (let run = 0; run < 5; run += 1) {
        const { pass } = passOver(size, changesOf);
        times.push(await timed(() => pass(2)));
      }
      figures.push(milliseconds(median(times) / 2));
    }
    rows.push([name, ...figures, `${(process.memoryUsage().rss / 1_048_576).toFixed(0)} MiB`]);
  }
  show('a pass of the reconciler', ['5,000 live', '10,000 live', 'memory of this process'], rows);
}

function passOver(size: number, changesOf: (index: number) => Partial<RunnerItem>) {
  const launchedAt = '2030-01-01T23:50:00.000Z';
  const items = Array.from({ length: size }, (_, index) =>
    runnerItem({
      jobId: index + 1,
      projectId: 7 + (index % 40),
      runnerId: 10_000 + index,
      instanceId: `i-${index}`,
      launchedAt,
      pickedUpAt: launchedAt,
      ...changesOf(index),
    }),
  );
  const world = reconcileWorld(items);
  for (const { instanceId = '' } of items) world.strayInstance(instanceId);
  const runners = items.map(({ runnerId = 0 }) => ({
    runnerId,
    description: 'ci ec2',
    createdAt: launchedAt,
    busy: true,
  }));
  const running = Map.groupBy(items, ({ event }) => event.projectId);
  const gitlab: Partial<ReconcileGitLab> = {
    ownRunners: async () => runners,
    pendingJobs: async () => [],
    begunJobs: async (projectId) =>
      (running.get(projectId) ?? []).map(({ event, runnerId = 0 }) => ({
        id: event.jobId,
        status: 'running',
        tags: [],
        runnerId,
        systemId: null,
      })),
  };
  Object.assign(world.ports, { gitlab: { ...world.gitlab, ...gitlab } });
  return world;
}

const transactionMilliseconds = 15;

/** A store whose transactions take their time, in which whoever wants one of their items is refused and tries again. */
function slowStore(clock: ReturnType<typeof virtualClock>, random: () => number): RunnersStore {
  const store = inMemoryRunnersStore();
  const held = new Set<string>();
  const keyOf = (part: StoreWrite) =>
    part.kind === 'put' ? part.item.pk : part.kind === 'take-place' ? part.cap.counter : part.kind;
  const write = async (parts: readonly StoreWrite[]) => {
    const keys = parts.map(keyOf);
    if (keys.some((key) => held.has(key))) throw new Error('TransactionConflict');
    for (const key of keys) held.add(key);
    await clock.sleep(transactionMilliseconds);
    for (const key of keys) held.delete(key);
    await store.write(...parts);
  };
  const judge = (error: unknown) => ({ retry: error instanceof Error && error.message === 'TransactionConflict' });
  const ports = { now: clock.now, sleep: clock.sleep, random };
  return { ...store, write: (...parts) => retryWithBackoff(() => write(parts), judge, conflictBackoff, ports) };
}

async function admissions(): Promise<void> {
  const rows = [];
  for (const limit of [1_000, 2_000, 500]) {
    const outcomes: { readonly admitted: number; readonly waits: number; readonly gaveUp: number; last: number }[] = [];
    for (let seed = 1; seed <= 3; seed += 1) {
      const clock = virtualClock();
      const random = seededRandom(seed);
      const store = slowStore(clock, random);
      let last = 0;
      const one = async (jobId: number) => {
        await clock.sleep(random() * 1_000);
        const event = pendingJob({ jobId });
        const job: JobKey = jobKeyOf(event);
        const caps = [{ counter: 'cap#deployment', limit }];
        const now = new Date(testStart).toISOString();
        const request = { event, choice: choice({ caps }), admittedBy: `e${jobId}`, now, maxAttempts: 3 };
        try {
          await admitJob(store, job, request);
          last = clock.now();
          return 'admitted';
        } catch (error) {
          return (error as Error).name === 'CapReachedError' ? 'waits' : 'gaveUp';
        }
      };
      const all = await clock.run(Promise.all(Array.from({ length: 1_000 }, (_, index) => one(index + 1))));
      const count = (what: string) => all.filter((outcome) => outcome === what).length;
      outcomes.push({ admitted: count('admitted'), waits: count('waits'), gaveUp: count('gaveUp'), last });
    }
    const worst = (key: 'admitted' | 'waits' | 'gaveUp' | 'last') => Math.max(...outcomes.map((one) => one[key]));
    rows.push([
      `a cap of ${limit}`,
      String(worst('admitted')),
      String(worst('waits')),
      String(worst('gaveUp')),
      `${(worst('last') / 1_000).toFixed(1)} s`,
    ]);
  }
  show('1,000 admissions within a second', ['admitted', 'wait', 'gave up', 'the last after'], rows);
}

async function together(): Promise<void> {
  await buildLambdas();
  const canceled = await canceledWhileBooting(1, 400);
  const alike = await alikeJobs(1, 200);
  const capped = await underCap(1, 80, 20);
  show(
    'jobs together',
    ['', ''],
    [
      ['400 canceled while their hosts boot', `${canceled.drains} drains`, `${canceled.gitlabCalls} calls to GitLab`],
      ['200 alike', `${(alike.readUnits / 200).toFixed(1)} read units a job`, ''],
      ['80 of 60 s with tags of their own, 20 at once', `all over after ${capped.report.worstWaitSeconds + 60} s`, ''],
    ],
  );
  for (const { report } of [canceled, alike, capped]) if (report.violation) throw new Error(report.violation.what);
}

await matching();
await passes();
await admissions();
await together();
