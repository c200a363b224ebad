import { testStart } from '../support/builders.ts';
import { type Composition, realComposition } from './composition.ts';
import type { Violation } from './invariants.ts';
import type { HandOut } from './placement.ts';
import type { Placements } from './placements-watch.ts';
import { isCapped, type PlannedJob, type Schedule } from './schedule.ts';
import { isOver, type SimulatedJob } from './simulated-job.ts';
import { createSimulatedWorld, type Trace } from './simulated-world.ts';
import { troubleOf } from './trouble.ts';

/** What came of a run. */
export type RunReport = {
  readonly violation: (Violation & { readonly atSeconds: number }) | null;
  /** How often each kind of fault struck. */
  readonly faults: ReadonlyMap<string, number>;
  readonly repairs: ReadonlyMap<string, number>;
  readonly placements: Placements;
  /**
   * Jobs on a runner of another profile than theirs, although that could have been known when the runner was let ask.
   */
  readonly misplaced: readonly HandOut[];
  /** The longest that a job of ours waited for its runner, of those that got one. */
  readonly worstWaitSeconds: number;
  /** The same, counted from the end of the trouble that was in the way. */
  readonly worstWaitAfterTroubleSeconds: number;
  /** Whether jobs may have waited for each other. */
  readonly isCapped: boolean;
  readonly virtualSeconds: number;
  readonly steps: number;
};

/**
 * Longer than all deadlines together; and GitLab drops each job after an hour, a retried one after another, and one may
 * begin after another.
 */
const patienceHours = { ofAll: 5, ofEachJob: 2 };
/** Far more than any run takes. */
const mostSteps = 200_000;

/** Runs a schedule to its end, in virtual time, or to the first violation. The same schedule gives the same run. */
export async function runSchedule(
  schedule: Schedule,
  composition: Composition = realComposition,
  trace?: Trace,
): Promise<RunReport> {
  const world = createSimulatedWorld(schedule, composition, trace);
  const { time, gitlab, invariants, faults } = world;
  const retried: SimulatedJob[] = [];
  const patienceSeconds = (patienceHours.ofAll + patienceHours.ofEachJob * schedule.jobs.length) * 60 * 60;
  let openPlans = schedule.jobs.length;
  let steps = 0;
  const at = (seconds: number, work: () => void) => time.after(testStart + seconds * 1_000 - time.now(), work);

  function submit(plan: PlannedJob): void {
    const job = gitlab.create(plan);
    const { createdAt, pendingAt, canceledAt } = plan;
    // What it comes after lets it begin, if that is still to end.
    const follows = [...gitlab.jobs.values()].some((one) => plan.after?.includes(one.plan.index) && !isOver(one));
    if (pendingAt !== null && !follows) at(pendingAt, () => gitlab.begin(job));
    if (pendingAt === null) at(createdAt + 600, () => gitlab.skip(job));
    if (canceledAt !== null) at(canceledAt, () => gitlab.cancel(job));
    openPlans -= 1;
  }
  for (const plan of schedule.jobs) at(plan.createdAt, () => submit(plan));
  for (const fault of schedule.faults) {
    if (fault.kind !== 'archive-replayed') continue;
    at(fault.at, () => {
      faults.count(fault.kind);
      world.bus.replay();
    });
  }
  const lastPlanned = Math.max(
    0,
    ...schedule.faults.map(endOf),
    ...schedule.jobs.map(({ pendingAt }) => pendingAt ?? 0),
  );
  let settledAt: number | null = null;
  await time.run(testStart + (lastPlanned + patienceSeconds) * 1_000, () => {
    steps += 1;
    invariants.check();
    if (steps > mostSteps) invariants.fail('the run ends', `it had ${mostSteps} steps`);
    if (invariants.violation) return true;
    if (openPlans > 0 || time.now() < testStart + lastPlanned * 1_000 || !world.isSettled()) {
      settledAt = null;
      return false;
    }
    if (retryFailed()) return false;
    settledAt ??= time.now();
    return time.now() > settledAt;
  });
  invariants.checkEnd();

  /** What a user does who wants a job that did not succeed: GitLab makes a new one. */
  function retryFailed(): boolean {
    const before = retried.length;
    for (const job of gitlab.jobs.values()) {
      if (!job.plan.retried || job.status === 'success' || !isOver(job) || job.retriedAs || retried.includes(job))
        continue;
      retried.push(job);
      const now = (time.now() - testStart) / 1_000;
      const { durationSeconds } = job.plan;
      submit({ ...job.plan, createdAt: now, pendingAt: now, canceledAt: null, durationSeconds, retried: false });
    }
    return retried.length > before;
  }

  const waitsSince = (moment: number) =>
    [...gitlab.jobs.values()]
      .filter(world.isOurs)
      .flatMap(({ pendingAt, startedAt }) =>
        pendingAt !== null && startedAt !== null ? [(startedAt - Math.max(pendingAt, moment)) / 1_000] : [],
      );
  const virtualSeconds = (time.now() - testStart) / 1_000;
  return {
    violation: invariants.violation && { ...invariants.violation, atSeconds: virtualSeconds },
    faults: faults.struck,
    repairs: world.repairs,
    placements: world.placements.counts,
    misplaced: world.placements.misplaced,
    worstWaitSeconds: Math.max(0, ...waitsSince(0)),
    worstWaitAfterTroubleSeconds: Math.max(0, ...waitsSince(testStart + troubleOf(schedule).endsAt * 1_000)),
    isCapped: isCapped(schedule.settings),
    virtualSeconds,
    steps,
  };
}

function endOf(fault: Schedule['faults'][number]): number {
  if ('at' in fault) return fault.at;
  return 'from' in fault ? fault.from + fault.seconds : 0;
}
