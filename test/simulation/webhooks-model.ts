import { readJobHook } from '../../infrastructure/ingest/job-hook.ts';
import type { ExecutionsModel } from './executions-model.ts';
import type { Faults } from './faults.ts';
import type { GitLabModel } from './gitlab-model.ts';
import { lyingHookBody } from './lying-hooks.ts';
import type { Random } from './random.ts';
import { type HookStatus, pathOf, refAndStage } from './schedule.ts';
import { pipelineOf, type SimulatedJob } from './simulated-job.ts';
import type { VirtualTime } from './virtual-time.ts';

/** What the ingest Lambda takes for one hook. */
const ingestMilliseconds = 60;

/** How GitLab's hooks come to the bus: late, twice, in any order, not at all, and some tell yesterday's news. */
export function createWebhooksModel({
  time,
  faults,
  random,
  gitlab,
  writesLate,
  executions,
  readHook = readJobHook,
  put,
}: {
  readonly time: VirtualTime;
  readonly faults: Faults;
  readonly random: Random;
  readonly gitlab: () => GitLabModel;
  readonly writesLate: boolean;
  readonly executions: ExecutionsModel;
  readonly readHook: typeof readJobHook | undefined;
  readonly put: (type: string, detail: unknown) => void;
}) {
  let deliveries = 0;
  let underWay = 0;

  function arrive(body: unknown, deliveryId: string): void {
    underWay -= 1;
    const end = executions.beginOurs();
    if (!end) {
      // GitLab does not send it again.
      faults.count('hook-refused');
      return;
    }
    time.after(ingestMilliseconds, end);
    const hook = readHook(body, { receivedAt: new Date(time.now()).toISOString(), deliveryId });
    if (hook.kind === 'event') put(hook.type, hook.event);
  }

  function arriveIn(milliseconds: number, bodyOf: () => unknown, deliveryId: string): void {
    underWay += 1;
    time.after(milliseconds, () => arrive(bodyOf(), deliveryId));
  }

  /** Words of a job that are not true, beside those that are. */
  function sendUntrue(job: SimulatedJob): void {
    for (const fault of faults.all('hook-untrue').filter((one) => one.job === job.plan.index)) {
      const word = fault.status === 'finished' ? random.pick(['success', 'failed', 'canceled']) : fault.status;
      const runnerId = () => (random.chance(0.5) && word !== 'running' ? job.runnerId : null);
      faults.count('hook-untrue');
      arriveIn(fault.seconds * 1_000, () => jobHookBody(job, word, runnerId(), true), `untrue-${fault.index}`);
    }
  }

  for (const lie of faults.all('hook-lie')) {
    const write = () => {
      faults.count('hook-lie');
      return lyingHookBody(lie, gitlab(), { random, now: time.now() });
    };
    arriveIn(lie.at * 1_000, write, `lie-${lie.index}`);
  }

  return {
    isEmpty: () => underWay === 0,
    send(job: SimulatedJob, status: string): void {
      if (status === 'pending') sendUntrue(job);
      deliveries += 1;
      const deliveryId = `delivery-${deliveries}`;
      const hook = hookStatusOf(status);
      const isHere = (fault: { readonly job: number; readonly status: HookStatus }) =>
        fault.job === job.plan.index && fault.status === hook;
      const lost = faults.strike('hook-lost', isHere) ?? faults.isOn('hooks-lost');
      const delayed = faults.strike('hook-delayed', isHere);
      const repeated = faults.strike('hook-repeated', isHere);
      const stale = faults.strike('hook-stale', isHere);
      const bodyStatus = { 'as-created': 'created', 'as-running': 'running' }[stale?.how as string] ?? status;
      const runnerOf = (how: string | undefined) => {
        if (how === 'no-runner') return null;
        if (how === 'wrong-runner') return random.pick([...gitlab().runners.keys(), null]);
        return job.runnerId;
      };
      const pipelineRuns = status !== 'created' || stale?.how === 'pipeline-runs';
      const write = () => jobHookBody(job, bodyStatus, runnerOf(stale?.how), pipelineRuns);
      const written = writesLate ? null : write();
      const bodyOf = () => written ?? write();
      if (lost) return;
      const first = (delayed?.seconds ?? 0) * 1_000 + random.whole(100, 3_000);
      const times = repeated
        ? [first, ...Array.from({ length: 3 }, () => random.whole(0, repeated.seconds * 1_000))]
        : [first];
      for (const milliseconds of times) arriveIn(milliseconds, bodyOf, deliveryId);
    },
  };
}

function hookStatusOf(status: string): HookStatus {
  return status === 'created' || status === 'pending' || status === 'running' ? status : 'finished';
}

/** The body of a job hook as GitLab 19 sent it before September 2026, as far as anything reads it. */
function jobHookBody(job: SimulatedJob, status: string, runnerId: number | null, pipelineRuns: boolean) {
  const { id, plan, startedAt, finishedAt } = job;
  const iso = (at: number | null) => (at === null ? null : new Date(at).toISOString());
  return {
    object_kind: 'build',
    ref: refAndStage.ref,
    build_id: id,
    build_name: plan.name,
    build_stage: refAndStage.stage,
    build_status: status,
    build_started_at: iso(startedAt),
    build_finished_at: iso(finishedAt),
    build_failure_reason: status === 'failed' ? (job.failureReason ?? 'script_failure') : 'unknown_failure',
    pipeline_id: pipelineOf(job),
    commit: { id: pipelineOf(job), status: pipelineRuns ? 'running' : 'created' },
    project_id: plan.projectId,
    project: { id: plan.projectId, path_with_namespace: pathOf(plan.projectId) },
    runner: runnerId === null ? null : { id: runnerId },
  };
}
