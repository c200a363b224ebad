import type { JobEvent } from '../../infrastructure/kit/job-event.ts';
import { jobKeyOf } from '../../infrastructure/kit/job-key.ts';
import { forsakenAt } from '../demand/forsaken-jobs.ts';
import { type FindHostPorts, findHost } from '../runner-store/find-host.ts';
import { noteTakenJob } from '../runner-store/job-state.ts';
import { readAround } from '../runner-store/live-pool.ts';
import type { RunnerItem } from '../runner-store/runner-item.ts';
import { type RunnersStore, whenItWentOn } from '../runner-store/runners-store.ts';

/**
 * The item of the job that waits because the event's job, which runs and had no runner yet, took the runner of another
 * one. Null when that runner is not ours or nobody misses it. That the runner took the job is written down on the way,
 * so that nobody takes the runner for idle.
 */
export async function findWhoNeedsStandIn(
  event: JobEvent,
  ports: FindHostPorts & { readonly store: RunnersStore },
): Promise<RunnerItem | null> {
  const { store } = ports;
  const job = jobKeyOf(event);
  const found = await findHost(event, ports);
  if (!found || found.pk === job) return null;
  if (!found.takenJob) await noteTakenJob(store, found, job).catch(whenItWentOn);
  const runner = await store.read(found.pk);
  // The index of live items may still show it as it was.
  const others = (await readAround(store, found.event.projectId, runner ?? found)).filter(({ pk }) => pk !== found.pk);
  return forsakenAt(job, runner ? [...others, runner] : others)?.item ?? null;
}
