import { lastOf, type RunnerJob, runningOf } from '../../infrastructure/gitlab/gitlab-listings.ts';
import { type JobKey, jobKeyOf } from '../../infrastructure/kit/job-key.ts';
import { LongLivedRunnerError, type LongLivedRunners } from '../demand/long-lived-runner.ts';
import { isHeld } from '../runner-store/held.ts';
import type { RunnerItem } from '../runner-store/runner-item.ts';
import { managerOf } from '../runner-store/runner-manager.ts';
import { RunnerStateChangedError, type StoreWrite } from '../runner-store/runners-store.ts';
import { hostTicketIdOf } from '../runner-store/ticket-place.ts';

/** What is asked about hosts of long-lived runners. */
export type ManagedHosts = Pick<LongLivedRunners, 'runningJobsOf'> & {
  /** Whether an instance has ended, or is ending. Asked only once it has claimed its ticket: EC2 knows it then. */
  isGone(instanceId: string): Promise<boolean>;
};

export type DrainHostPorts = {
  readonly gitlab: {
    pauseRunner(runnerId: number): Promise<boolean>;
    jobsOf(runnerId: number): Promise<readonly RunnerJob[]>;
  };
  /** Where a profile brings a long-lived runner. */
  readonly longLived?: ManagedHosts;
};

/**
 * Writes a host's end, all or nothing: the item's own update first, then the given parts. `had`: the job that it had
 * last, where GitLab was asked and told one.
 *
 * @throws {RunnerStateChangedError} when the item took a step since it was read, or a part is refused.
 */
export type WriteEnd = (had: JobKey | null, ...parts: readonly StoreWrite[]) => Promise<void>;

/**
 * `ended`: the host takes no job any more, and its end is written. `busy`: a job runs on it. `open`: it may yet take
 * one.
 */
export type Drain =
  | { readonly kind: 'ended' }
  | { readonly kind: 'busy'; readonly takenJob: JobKey }
  | { readonly kind: 'open' };

/**
 * Makes sure that a runner's host takes no (further) job, and writes its end.
 *
 * @throws {RunnerStateChangedError} when the item took a step since it was read.
 */
export async function drainHost(item: RunnerItem, writeEnd: WriteEnd, ports: DrainHostPorts): Promise<Drain> {
  if (item.managerOf === undefined) return drainOnlyHost(item, writeEnd, ports);
  if (ports.longLived) return drainManager(item, writeEnd, ports.longLived);
  throw new LongLivedRunnerError(
    `${item.pk} has a host of the long-lived runner ${item.managerOf}, of which nothing is known here`,
  );
}

/**
 * A runner with one host, whose token nobody has, has no job and gets none once its ticket is taken back: GitLab need
 * not be asked. Otherwise it is paused first, so that the look tells the truth from then on.
 */
async function drainOnlyHost(item: RunnerItem, writeEnd: WriteEnd, { gitlab }: DrainHostPorts): Promise<Drain> {
  const { runnerId, ticketId, takenJob } = item;
  const mayBeUnclaimed = ['REGISTERED', 'LAUNCHED'].includes(item.state) && takenJob === undefined;
  if (mayBeUnclaimed && ticketId !== undefined && (await writeUnlessClaimed(writeEnd, ticketId)))
    return { kind: 'ended' };
  const paused = runnerId !== undefined && (await gitlab.pauseRunner(runnerId));
  const jobs = paused ? await gitlab.jobsOf(runnerId) : [];
  const running = runningOf(jobs);
  if (running) return { kind: 'busy', takenJob: jobKeyOf(running) };
  // Its end may come before any word of it. Once the runner is removed, GitLab does not tell any more whose job it was.
  const had = lastOf(jobs);
  await writeEnd(had ? jobKeyOf(had) : null);
  return { kind: 'ended' };
}

/**
 * Makes sure that a host of a long-lived runner takes no (further) job, and writes its end. The runner cannot be
 * paused, since other hosts work for it, so that a look alone proves nothing: GitLab could hand the host a job just
 * after it. A host is therefore only ended when one of these holds, and else it ends by itself, soon (its waiting time
 * for a job is a minute):
 * - it does not exist: the write fails when it got one meanwhile;
 * - it has no token: its ticket is taken back together with the write, which fails when the host was faster;
 * - it has taken its one job, after which its boot script lets it ask for no other, and GitLab says that none runs on
 *   it;
 * - it is gone from EC2.
 */
async function drainManager(item: RunnerItem, writeEnd: WriteEnd, longLived: ManagedHosts): Promise<Drain> {
  const manager = managerOf(item);
  const ticketId = hostTicketIdOf(item);
  if (!manager || item.instanceId === undefined || ticketId === undefined) {
    await writeEnd(null);
    return { kind: 'ended' };
  }
  if (item.state === 'LAUNCHED' && !item.takenJob) {
    const hadNoToken = await writeUnlessClaimed(writeEnd, isHeld(item) ? item.pk : ticketId);
    if (hadNoToken) return { kind: 'ended' };
  }
  const [running] = await longLived.runningJobsOf(manager);
  if (running) return { kind: 'busy', takenJob: jobKeyOf(running) };
  const isOver = item.takenJob !== undefined || item.state === 'STOPPING' || (await longLived.isGone(item.instanceId));
  if (!isOver) return { kind: 'open' };
  await writeEnd(null);
  return { kind: 'ended' };
}

/** False when the host has claimed its ticket. */
async function writeUnlessClaimed(writeEnd: WriteEnd, ticketId: string): Promise<boolean> {
  try {
    await writeEnd(null, { kind: 'take-ticket-back', id: ticketId });
    return true;
  } catch (error) {
    const [first] = error instanceof RunnerStateChangedError ? error.refused : [];
    if (first === 1) return false;
    throw error;
  }
}
