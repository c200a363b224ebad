import { type LambdaContext, lambdaHandler } from '../../infrastructure/lib/lambda-handler.client.ts';
import { createTables } from '../live-tables.client.ts';
import { profilesManagerOf } from '../runners/long-lived-runner.ts';
import type { RunnerItem } from '../runners/runner-item.ts';
import { RunnerStateChangedError, type RunnersStore } from '../runners/runners-store.ts';
import type { RunnerToStop } from '../stop-runner/stop-runner-input.ts';
import { type InstanceEvent, instanceEventSchema, interruptionOf } from './instance-event.ts';
import type { InterruptedRunner } from './mend-job-input.ts';
import { planInterruption } from './plan-interruption.ts';

export type FindInterruptedRunnerPorts = { readonly store: RunnersStore };

export type InterruptedRunners = {
  readonly runners: readonly RunnerToStop[];
  /** What MendJob takes; null when there is no job to mend. */
  readonly mend: InterruptedRunner | null;
};

/**
 * Finds the runner on an instance that EC2 takes back or that ends, in our own table; the account's other instances cost this one read. A
 * warning is written down on the runner's item: by it, the end of a job is told as an interruption from a failure.
 */
export async function findInterruptedRunner(
  event: InstanceEvent,
  { store }: FindInterruptedRunnerPorts,
  { log }: LambdaContext,
): Promise<InterruptedRunners> {
  const interruption = interruptionOf(event);
  const item = await store.readByInstanceId(interruption.instanceId);
  if (!item) return { runners: [], mend: null };
  if (interruption.kind === 'warning') await noteWarning(store, item, interruption.at);
  const { stop, mend } = planInterruption(item, interruption);
  const { pk: job, attempt, type, state } = item;
  log.info('a runner lost its instance, or will', {
    runnerOf: job,
    attempt,
    state,
    what: interruption.kind,
    stop,
    mend,
  });
  const about = {
    job,
    attempt,
    type,
    runnerId: item.runnerId ?? null,
    instanceId: item.instanceId ?? null,
    manager: profilesManagerOf(item),
  };
  return {
    runners: stop ? [{ ...about, ...stop }] : [],
    mend: mend && { kind: 'interrupted-runner', job, attempt, ...mend },
  };
}

async function noteWarning(store: RunnersStore, item: RunnerItem, interruptedAt: string): Promise<void> {
  if (item.interruptedAt !== undefined) return;
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
}

export const handler = lambdaHandler({
  input: instanceEventSchema,
  logFields: ({ detail }) => ({ instanceId: detail['instance-id'] }),
  ports: createTables,
  work: findInterruptedRunner,
});
