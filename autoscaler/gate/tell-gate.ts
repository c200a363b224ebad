import type { JobEvent } from '../../infrastructure/kit/job-event.ts';
import type { Log } from '../../infrastructure/kit/lambda/log.ts';
import type { EventBus } from '../events/event-bus.ts';
import type { RunnerChoice } from '../runner-store/runner-item.ts';
import type { RunnersStore } from '../runner-store/runners-store.ts';
import { wantTurns } from './turns-wanted.ts';

export type TellGatePorts = { readonly store: Pick<RunnersStore, 'readGate'>; readonly bus: EventBus };

type Gated = Pick<RunnerChoice, 'gated' | 'awaited'>;

/**
 * Has the gate of a job's project looked at when something happened to a job that moves the line. `about`: the items or
 * choices of the jobs and runners in question. A job of which there are none is not ours, and one of ours may wait for
 * it: whether anybody waits at all is read first, for such a job and for one that others may wait for, and for no
 * other.
 */
export async function tellGate(
  { projectId, jobId }: Pick<JobEvent, 'projectId' | 'jobId'>,
  about: readonly (Gated | null | undefined)[],
  { store, bus }: TellGatePorts,
): Promise<void> {
  const ours = about.filter((one) => one !== null && one !== undefined);
  const isGated = ours.some(({ gated }) => gated);
  if (!isGated && ours.length > 0 && !ours.some(({ awaited }) => awaited)) return;
  if (isGated || hasWork(await store.readGate(projectId))) await wantTurns(bus, projectId, jobId);
}

/** The same where nothing else may fail for it: the reconciler looks at each gate with its next pass. */
export async function tellGateIfPossible(
  event: Pick<JobEvent, 'projectId' | 'jobId'>,
  about: readonly (Gated | null | undefined)[],
  ports: TellGatePorts,
  log: Log,
): Promise<void> {
  await tellGate(event, about, ports).catch((error: unknown) =>
    log.warn('whose turn it is could not be asked for', { error }),
  );
}

function hasWork(gate: Awaited<ReturnType<RunnersStore['readGate']>>): boolean {
  return gate !== null && (gate.turns.length > 0 || gate.holds.length > 0);
}
