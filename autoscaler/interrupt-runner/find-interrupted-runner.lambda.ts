import * as z from 'zod/mini';
import { jobKeyOf } from '../../infrastructure/kit/job-key.ts';
import { type LambdaContext, lambdaHandler } from '../../infrastructure/kit/lambda/lambda-handler.client.ts';
import { hasRunner } from '../demand/demand.ts';
import { type InterruptedRunner, interruptedRunnerOf } from '../end-runner/mend-job-input.ts';
import { type RunnerToStop, runnerToStopOf } from '../end-runner/stop-runner-input.ts';
import { type InstanceEvent, instanceEventSchema, interruptionOf } from '../events/instance-event.ts';
import { type UnwantedRunner, unwantedRunnerSchema } from '../events/runner-unwanted.ts';
import { createTables } from '../runner-store/live-tables.client.ts';
import type { RunnerItem } from '../runner-store/runner-item.ts';
import { RunnerStateChangedError, type RunnersStore } from '../runner-store/runners-store.ts';
import { createInstanceStates, type InstanceStates } from '../runner-types/ec2/instance-states.client.ts';
import { planInterruption } from './plan-interruption.ts';

/** An event of EC2's, or a runner that is to end although no event says so. */
export const interruptRunnerInput = z.union([unwantedRunnerSchema, instanceEventSchema]);
export type InterruptRunnerInput = z.infer<typeof interruptRunnerInput>;

export type FindInterruptedRunnerPorts = Pick<InstanceStates, 'stateReasonOf'> & { readonly store: RunnersStore };

export type InterruptedRunners = {
  readonly runners: readonly RunnerToStop[];
  /** What MendJob takes; null when there is no job to mend. */
  readonly mend: InterruptedRunner | null;
};

/**
 * Finds the runner on an instance that EC2 takes back or that ends, or a runner that is to end although no event says
 * so, in our own table; the account's other instances cost this one read. A warning is written down on the runner's
 * item: by it, the end of a job is told as an interruption from a failure.
 */
export async function findInterruptedRunner(
  event: InterruptRunnerInput,
  ports: FindInterruptedRunnerPorts,
  context: LambdaContext,
): Promise<InterruptedRunners> {
  return 'kind' in event ? findUnwanted(event, ports, context) : findOnInstance(event, ports, context);
}

/**
 * The runner of one attempt, as long as it is that attempt's: its function failed, or the reconciler found it idle,
 * overdue or dead.
 */
async function findUnwanted(
  { projectId, jobId, attempt, reason, force }: UnwantedRunner,
  { store }: FindInterruptedRunnerPorts,
  { log }: LambdaContext,
): Promise<InterruptedRunners> {
  const item = await store.read(jobKeyOf({ projectId, jobId }));
  if (item?.attempt !== attempt || !(hasRunner(item) || item.state === 'ADMITTED')) {
    log.info('the runner has ended, or was followed by another', { attempt, state: item?.state });
    return { runners: [], mend: null };
  }
  log.info('runner to stop', { attempt, reason, force });
  return {
    runners: [runnerToStopOf(item, { reason, force })],
    mend: force ? interruptedRunnerOf(item, { hostGone: true }) : null,
  };
}

async function findOnInstance(
  event: InstanceEvent,
  { store, stateReasonOf }: FindInterruptedRunnerPorts,
  { log }: LambdaContext,
): Promise<InterruptedRunners> {
  const interruption = interruptionOf(event);
  const found = await store.readByInstanceId(interruption.instanceId);
  if (!found) return { runners: [], mend: null };
  const item = interruption.kind === 'warning' ? await noteWarning(store, found, interruption.at) : found;
  // Of a host that took a job, or that we end ourselves, nobody asks why; and not knowing it keeps nothing back.
  const stateReason =
    interruption.kind !== 'warning' && item.state === 'LAUNCHED'
      ? await stateReasonOf(interruption.instanceId).catch((error: unknown) => {
          log.warn('EC2 does not say why the instance ended', { instanceId: interruption.instanceId, error });
          return null;
        })
      : null;
  const { stop, mend } = planInterruption(item, interruption, stateReason);
  const { pk: job, attempt, state } = item;
  log.info('a runner lost its instance, or will', {
    runnerOf: job,
    attempt,
    state,
    what: interruption.kind,
    ...(stateReason === null ? {} : { stateReason }),
    stop,
    mend,
  });
  return {
    runners: stop ? [runnerToStopOf(item, stop)] : [],
    mend: mend && interruptedRunnerOf(item, mend),
  };
}

/** @returns the item with the first warning of its instance */
async function noteWarning(store: RunnersStore, item: RunnerItem, interruptedAt: string): Promise<RunnerItem> {
  if (item.interruptedAt !== undefined) return item;
  try {
    await store.write({
      kind: 'update',
      job: item.pk,
      from: ['LAUNCHED', 'RUNNING', 'STOPPING', 'RELEASED', 'FAILED'],
      attempt: item.attempt,
      set: { interruptedAt },
    });
  } catch (error) {
    // The job has another attempt already: the instance is none of its business any more.
    if (!(error instanceof RunnerStateChangedError)) throw error;
  }
  return { ...item, interruptedAt };
}

export const handler = lambdaHandler({
  input: interruptRunnerInput,
  logFields: (event) =>
    'kind' in event ? { projectId: event.projectId, jobId: event.jobId } : { instanceId: event.detail['instance-id'] },
  ports: () => ({ ...createTables(), ...createInstanceStates() }),
  work: findInterruptedRunner,
});
