import type { JobKey } from '../../../infrastructure/kit/job-key.ts';
import { parseJobKey } from '../../../infrastructure/kit/job-key.ts';
import { hasRunner, idleBeyondDemand } from '../../demand/demand.ts';
import { unwantedRunnerOf } from '../../events/runner-unwanted.ts';
import { heldSeconds, isHeld, notItsTurn } from '../../runner-store/held.ts';
import type { RunnerItem } from '../../runner-store/runner-item.ts';
import { hostTicketIdOf } from '../../runner-store/ticket-place.ts';
import { traitsOf } from '../../runner-types/runner-types.ts';
import type { Seen } from '../look/seen.ts';
import { isOlder, settledSeconds, startSeconds, stopSeconds } from './deadlines.ts';
import type { Repair, RepairKind } from './repair.ts';
import type { Suspect } from './suspicion.ts';

type Looked = Pick<Seen, 'jobs' | 'instances' | 'tickets' | 'patience'> & { readonly live: readonly RunnerItem[] };

/** Runners that stopped half-way: never launched, never served, with a dead host, for too long, or not quite ended. */
export function runnersToEnd({ live, jobs, instances, tickets, patience }: Looked, now: number): Suspect[] {
  const present = instances && new Set(instances.map(({ instanceId }) => instanceId));
  const hostIsGone = ({ instanceId, launchedAt }: RunnerItem) =>
    present !== null &&
    instanceId !== undefined &&
    !present.has(instanceId) &&
    isOlder(launchedAt, (settledSeconds / 2) * patience, now);
  const idle = idleBeyondDemand(live).map((item) =>
    stop('stop-idle-runner', item, 'idle, and no waiting job needs it'),
  );
  const others = live.flatMap((item): Suspect[] => {
    const waits = item.jobState === 'PENDING';
    const { overBecause } = item;
    if (overBecause && ['ADMITTED', 'REGISTERED', 'LAUNCHED'].includes(item.state))
      return [abandon('abandon-ended-attempt', item, overBecause.error, overBecause.message)];
    switch (item.state) {
      case 'ADMITTED':
        if (!isOlder(item.admittedAt, startSeconds * patience, now)) return [];
        return waits
          ? [abandon('abandon-unfinished-start', item, 'StartUnfinished', 'its start was begun and never finished')]
          : [unused(item)];
      case 'REGISTERED':
        if (!isOlder(item.registeredAt, traitsOf(item).longest.launch * patience, now)) return [];
        return waits
          ? [abandon('abandon-unlaunched-runner', item, 'LaunchMissing', 'its runner got no host')]
          : [unused(item)];
      case 'LAUNCHED':
        if (hostIsGone(item)) return [lostHost(item)];
        if (!isOlder(mayServeSince(item), servesSecondsOf(item) * patience, now)) return [];
        if (!waits) return [unused(item)];
        if (isHeld(item))
          return [abandon('abandon-held-host', item, notItsTurn, 'its host waited too long for its turn')];
        return jobs.get(item.pk)?.status === 'pending' ? [unusedHost(item, tickets)] : [];
      case 'RUNNING':
        if (hostIsGone(item)) return [lostHost(item)];
        return isOlder(
          item.pickedUpAt ?? item.launchedAt ?? item.registeredAt,
          traitsOf(item).longest.job(item.timeoutSeconds),
          now,
        )
          ? [stop('stop-overdue-runner', item, 'its job is past every time-out', { force: true })]
          : [];
      case 'STOPPING':
        return [stop('finish-stop', item, 'its end was begun and never finished', { patienceSeconds: stopSeconds })];
      default:
        return [];
    }
  });
  return [...idle, ...others];
}

/** A runner that nobody's job will come to: as long as it lives, a job that waits seems to have it. */
function unused(item: RunnerItem): Suspect {
  return stop('stop-idle-runner', item, 'it took no job in its time, and its own job needs it no more');
}

/** A function whose ticket is still there was never started: Lambda says so once, and nobody may have heard it. */
function unusedHost(item: RunnerItem, tickets: Seen['tickets']): Suspect {
  const { neverStarted } = traitsOf(item);
  return neverStarted && tickets?.some(({ id }) => id === item.ticketId)
    ? abandon('abandon-idle-host', item, neverStarted, 'its function never came for its token')
    : abandon('abandon-idle-host', item, 'HostUnused', 'its host took no job, and the job still waits');
}

function lostHost(item: RunnerItem): Suspect {
  const reason = `instance ${item.instanceId} is gone`;
  return item.state === 'LAUNCHED' && item.jobState === 'PENDING'
    ? abandon('abandon-lost-host', item, 'HostLost', reason)
    : stop('stop-lost-host', item, reason, { force: true });
}

function servesSecondsOf(item: RunnerItem): number {
  return isHeld(item) ? heldSeconds : traitsOf(item).longest.service;
}

/** A host that was held can take a job only since its turn. */
function mayServeSince({ launchedAt, turnAt }: RunnerItem): string | undefined {
  return launchedAt !== undefined && turnAt !== undefined && turnAt > launchedAt ? turnAt : launchedAt;
}

function abandon(kind: RepairKind, item: RunnerItem, error: string, reason: string): Suspect {
  return suspect(kind, item, reason, { do: 'abandon', job: item.pk, attempt: item.attempt, error });
}

type StopOptions = { readonly force?: boolean; readonly patienceSeconds?: number };

function stop(kind: RepairKind, item: RunnerItem, reason: string, options: StopOptions = {}): Suspect {
  const { force = false, patienceSeconds = 0 } = options;
  const runner = unwantedRunnerOf(item, reason, force);
  return { ...suspect(kind, item, reason, { do: 'stop', runner }), patienceSeconds };
}

/** By attempt, so that a suspicion of one attempt never falls on the next. */
export function suspect(
  kind: RepairKind,
  { pk, attempt }: RunnerItem,
  reason: string,
  action: Repair['action'],
): Suspect {
  return { repair: { kind, subject: `${pk} attempt ${attempt}`, reason, action } };
}

/** The job that a suspicion of this file is about. */
export function jobOfSubject(subject: string): JobKey | null {
  const [job = ''] = subject.split(' ');
  return parseJobKey(job) ? (job as JobKey) : null;
}

/** Whether the table still says that this runner's host and its place in GitLab are wanted. */
export function ownsRunner(item: RunnerItem | null, runnerId: number): boolean {
  return item !== null && item.runnerId === runnerId && hasRunner(item);
}

/** Whether a ticket's host may still come for it. */
export function ownsTicket(item: RunnerItem | null, ticketId: string): boolean {
  return item !== null && hasRunner(item) && [item.pk, item.ticketId, hostTicketIdOf(item)].includes(ticketId);
}

/** Whether an instance belongs to a live runner, or to a launch whose instances are just being given away. */
export function ownsInstance(item: RunnerItem, instanceId: string, launchGroupId: string | undefined): boolean {
  if (item.instanceId === instanceId) return hasRunner(item);
  return item.state === 'REGISTERED' && launchGroupId !== undefined && item.launchGroup?.id === launchGroupId;
}
