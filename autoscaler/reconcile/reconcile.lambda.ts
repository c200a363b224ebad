import { isDeepStrictEqual } from 'node:util';
import * as z from 'zod/mini';
import type { JobEvent } from '../../infrastructure/kit/job-event.ts';
import type { JobEventType } from '../../infrastructure/kit/job-event-types.ts';
import {
  type LambdaContext,
  lambdaHandler,
  readEnvironment,
} from '../../infrastructure/kit/lambda/lambda-handler.client.ts';
import type { MetricValues } from '../../infrastructure/kit/lambda/metrics.ts';
import { attemptsEnvironment, mappingsEnvironment } from '../environment/environment.ts';
import { createEventBus } from '../events/event-bus.client.ts';
import { wantTurns } from '../gate/turns-wanted.ts';
import { createGitLabFromEnvironment } from '../gitlab/live-gitlab.client.ts';
import { createJobMappings } from '../job-mappings/job-mappings.client.ts';
import { createKnownProjects } from '../runner-store/known-projects.client.ts';
import { createDocumentClient, createTables } from '../runner-store/live-tables.client.ts';
import { tableNamesOf, tablesEnvironment } from '../runner-store/tables-environment.ts';
import { createInstanceList } from '../runner-types/ec2/instance-list.client.ts';
import { createInstances } from '../runner-types/ec2/instances.client.ts';
import { createLaunchRequests } from '../runner-types/ec2/launch-requests.client.ts';
import { planRepairs, type RepairPlan } from './decide/plan-repairs.ts';
import type { Repair } from './decide/repair.ts';
import { inTurns } from './look/in-turns.ts';
import { createLambdaLimit } from './look/lambda-limit.client.ts';
import { look } from './look/look.ts';
import { oldestWaitOf } from './look/oldest-wait.ts';
import { createReconcileStore } from './look/reconcile-store.client.ts';
import { carryOut } from './mend/carry-out.ts';
import { reconcileEnvironment } from './reconcile-environment.ts';
import type { ReconcilePorts } from './reconcile-ports.ts';

export type { ReconcilePorts } from './reconcile-ports.ts';

/** Events and calls at the same time. */
const repairsAtOnce = 5;
/** An idle deployment asks GitLab every five minutes: reading the secret each time would be half of what that costs. */
const secretCacheSeconds = 15 * 60;
/** No repair is begun later than this before the function's end. */
const timeToEndMilliseconds = 8_000;

/** What one pass did. */
export type ReconcileOutcome = { readonly repaired: number; readonly failed: number };

/**
 * One pass: looks at what is there, decides what is wrong, remembers what it suspects, and mends each thing on its own.
 * Of two passes at the same time only one is remembered, and only that one mends.
 */
export async function reconcile(
  _input: unknown,
  ports: ReconcilePorts,
  context: LambdaContext,
): Promise<ReconcileOutcome> {
  const now = ports.now();
  const memory = await ports.memory.readMemory();
  const seen = await look(ports, memory, context, now);
  const plan = planRepairs(seen, now);
  // Before anything is mended: a pass that dies here tries again in the next, and never twice at once.
  if (!isDeepStrictEqual(plan.memory, memory) && !(await ports.memory.writeMemory(plan.memory))) {
    context.log.warn('another pass went on at the same time: this one mends nothing');
    return { repaired: 0, failed: 0 };
  }
  await inTurns(plan.looks, repairsAtOnce, (event) => askAgain(event, ports, context));
  await inTurns([...plan.gates], repairsAtOnce, (ofProject) => lookAtGate(ofProject, ports, context));
  const outcomes = await inTurns(plan.repairs, repairsAtOnce, (repair) => mend(repair, ports, context));
  report(plan, outcomes, oldestWaitOf(plan.memory, seen.live ?? [], now), context);
  return { repaired: outcomes.filter((mended) => mended).length, failed: outcomes.filter((mended) => !mended).length };
}

/** One look that could not be asked for is asked for in the next pass. */
async function askAgain(event: JobEvent, { bus }: ReconcilePorts, { log, remainingMilliseconds }: LambdaContext) {
  if (remainingMilliseconds() < timeToEndMilliseconds) return;
  await bus
    .tell('Job Pending' satisfies JobEventType, event)
    .catch((error: unknown) => log.warn('a waiting job could not be looked at', { jobId: event.jobId, error }));
}

/** What could not be asked for is asked for in the next pass. */
async function lookAtGate(
  [projectId, jobId]: readonly [number, number],
  { bus }: ReconcilePorts,
  { log, remainingMilliseconds }: LambdaContext,
) {
  if (remainingMilliseconds() < timeToEndMilliseconds) return;
  await wantTurns(bus, projectId, jobId).catch((error: unknown) =>
    log.warn('whose turn it is could not be asked for', { projectId, error }),
  );
}

/** One failure never stops the rest. */
async function mend(repair: Repair, ports: ReconcilePorts, { log, remainingMilliseconds }: LambdaContext) {
  const { kind, subject, reason } = repair;
  const repairLog = log.with({ repair: kind, subject, reason });
  if (remainingMilliseconds() < timeToEndMilliseconds) {
    repairLog.warn('no time left for this repair: it is tried again later');
    return false;
  }
  try {
    await carryOut(repair, ports, repairLog);
    repairLog.info('repair carried out');
    return true;
  } catch (error) {
    repairLog.error('repair failed: it is tried again later', { error });
    return false;
  }
}

/**
 * What people look at. What is zero is left out, so that an idle deployment writes nothing and has no metrics to pay.
 */
function report(plan: RepairPlan, outcomes: readonly boolean[], oldestWait: number, { log }: LambdaContext): void {
  const { held, unaccounted, outOfAttempts, waitingForTurn, deferred, driftedCounters } = plan.findings;
  const failed = outcomes.filter((mended) => !mended).length;
  const wrong = withoutZeros({
    Repairs: outcomes.length - failed,
    RepairsFailed: failed,
    Unaccounted: unaccounted.length,
    JobsOutOfAttempts: outOfAttempts.length,
    DriftedCounters: driftedCounters.length,
  });
  const usual = withoutZeros({
    HeldInstances: held.length,
    JobsDeferred: deferred.length,
    JobsHeld: waitingForTurn.length,
    OldestWaitSeconds: oldestWait,
  });
  const told = { ...wrong, ...usual };
  if (Object.keys(told).length === 0) return;
  const kinds = [...new Set(plan.repairs.map(({ kind }) => kind))].map(
    (kind) => [kind, plan.repairs.filter((repair) => repair.kind === kind).length] as const,
  );
  const repairs = Object.fromEntries(kinds);
  const fields = { repairs, held, unaccounted, outOfAttempts, waitingForTurn, deferred, driftedCounters };
  if (Object.keys(wrong).length === 0) log.measure(told, 'seen by the reconciler: nothing is wrong so far', fields);
  else log.count(told, 'found by the reconciler', fields);
}

function withoutZeros(values: MetricValues): MetricValues {
  return Object.fromEntries(Object.entries(values).filter(([, value]) => value > 0));
}

export const handler = lambdaHandler({
  input: z.unknown(),
  ports: () => {
    const environment = readEnvironment(tablesEnvironment);
    const { DEPLOYMENT, RUNNERS_TABLE } = environment;
    const { EVENT_BUS_ARN, LAUNCH_QUEUE_URL, PROJECTS, PATIENCE, HAS_FUNCTIONS } =
      readEnvironment(reconcileEnvironment);
    const { MAPPINGS_TABLE, DEFAULT_RUNNER, PROFILES } = readEnvironment(mappingsEnvironment);
    const dynamodb = createDocumentClient();
    return {
      ...createTables(dynamodb),
      memory: {
        ...createReconcileStore(dynamodb, tableNamesOf(environment)),
        ...createKnownProjects(dynamodb, RUNNERS_TABLE),
      },
      ...(HAS_FUNCTIONS ? { lambdaLimit: createLambdaLimit(dynamodb, RUNNERS_TABLE) } : {}),
      instances: { ...createInstances(), ...createInstanceList(DEPLOYMENT) },
      gitlab: createGitLabFromEnvironment(secretCacheSeconds),
      bus: createEventBus(EVENT_BUS_ARN),
      launches: createLaunchRequests(LAUNCH_QUEUE_URL),
      mappings: createJobMappings(dynamodb, MAPPINGS_TABLE, Date.now),
      offer: { profiles: PROFILES, defaultRunner: DEFAULT_RUNNER },
      maxAttempts: readEnvironment(attemptsEnvironment).MAX_ATTEMPTS,
      projects: PROJECTS,
      patience: PATIENCE,
    };
  },
  work: reconcile,
});
