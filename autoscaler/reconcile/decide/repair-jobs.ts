import { isOver } from '../../../infrastructure/gitlab/gitlab-listings.ts';
import type { JobEvent } from '../../../infrastructure/kit/job-event.ts';
import { type JobKey, jobKeyOf, parseJobKey } from '../../../infrastructure/kit/job-key.ts';
import { type ForsakenJob, forsakenJobs } from '../../demand/forsaken-jobs.ts';
import { attemptsUsed, type RunnerItem } from '../../runner-store/runner-item.ts';
import type { Seen } from '../look/seen.ts';
import { isOlder, retrySeconds } from './deadlines.ts';
import type { Repair, RepairKind } from './repair.ts';
import type { Suspect } from './suspicion.ts';

type Looked = Pick<Seen, 'jobs' | 'leftToOthers' | 'places' | 'maxAttempts' | 'patience'> & {
  readonly live: readonly RunnerItem[];
};

/** Jobs that GitLab calls pending and that get no runner by themselves any more. */
export function jobsToStart(
  { live, jobs, leftToOthers, places, maxAttempts, patience }: Looked,
  now: number,
): Suspect[] {
  const known = new Set(live.map(({ pk }) => pk));
  const isPending = ({ pk }: RunnerItem) => jobs.get(pk)?.status === 'pending';
  const lost = [...jobs].flatMap(([job, { status, event }]) =>
    status === 'pending' && event && !known.has(job) && !leftToOthers.has(job)
      ? [start('start-lost-job', job, event, 'it waits in GitLab, and its hook never came or failed')]
      : [],
  );
  const failed = live
    .filter((item) => item.state === 'FAILED' && item.jobState === 'PENDING' && attemptsUsed(item) < maxAttempts)
    .filter(isPending)
    .filter((item) => isOlder(item.stoppedAt ?? item.admittedAt, retrySeconds * patience, now))
    .map((item) => start('start-failed-job', item.pk, item.event, `attempt ${item.attempt} failed, and no other came`));
  const forsaken = forsakenJobs(live)
    .filter(({ item }) => isPending(item))
    .flatMap((job) => startForsaken(job, jobs));
  return [...lost, ...failed, ...forsaken, ...waitingWithPlaces(live, places)];
}

/**
 * While its runner still serves another job, a stand-in is asked for in that job's name: as long as GitLab says that it
 * runs.
 */
function startForsaken({ item, ask }: ForsakenJob, jobs: Looked['jobs']): Suspect[] {
  if (!ask) return [];
  if (item.state === 'RELEASED') return [start('start-forsaken-job', item.pk, ask, 'its runner served another job')];
  if (jobs.get(jobKeyOf(ask))?.status !== 'running') return [];
  return [start('start-forsaken-job', item.pk, ask, 'its runner serves another job, and no other runner came for it')];
}

/** The jobs that waited longest, as many as there are free places. */
function waitingWithPlaces(live: readonly RunnerItem[], places: Seen['places']): Suspect[] {
  if (!places) return [];
  const taken = new Map(places);
  const oldestFirst = live
    .filter(({ state, jobState, waitsFor }) => state === 'WAITING' && jobState === 'PENDING' && !waitsFor)
    .sort((a, b) => (a.admittedAt < b.admittedAt ? -1 : 1));
  const suspects: Suspect[] = [];
  for (const { pk, event, caps } of oldestFirst) {
    if (!caps.every(({ counter, limit }) => (taken.get(counter) ?? 0) < limit)) continue;
    for (const { counter } of caps) taken.set(counter, (taken.get(counter) ?? 0) + 1);
    suspects.push(start('start-waiting-job', pk, event, 'it waits for a place, and there is one'));
  }
  return suspects;
}

/** Jobs that run or are over in GitLab, of which our table does not know. */
export function jobsToCatchUp({ live, jobs }: Looked, now: number): Suspect[] {
  const at = new Date(now).toISOString();
  const asTold = (item: RunnerItem, job: JobKey, status: string, runnerId: number | null): JobEvent => ({
    ...item.event,
    // Of a job that this runner took from another we know no more than its number.
    ...(job === item.pk ? {} : { ...parseJobKey(job), jobName: '' }),
    status,
    runnerId,
    occurredAt: at,
    receivedAt: at,
    deliveryId: null,
  });
  return live.flatMap((item) => {
    const own = jobs.get(item.pk);
    const { takenJob } = item;
    const taken = takenJob && jobs.get(takenJob);
    const runs = item.state === 'RUNNING';
    const finish = (job: JobKey, status: string, runnerId: number | null, reason: string) =>
      tell('finish-job', 'Job Finished', job, asTold(item, job, status, runnerId), reason);
    const found: Suspect[] = [];
    if (own && isOver(own.status) && item.jobState !== 'FINISHED') {
      found.push(finish(item.pk, own.status, own.runnerId, `it is ${own.status} in GitLab, and no hook said so`));
    } else if (own?.status === 'gone' && item.jobState !== 'FINISHED' && !runs) {
      // This token may have lost the right to see it: whoever runs it keeps its host.
      found.push(finish(item.pk, 'canceled', null, 'GitLab does not know it any more'));
    } else if (item.state === 'WAITING' && item.jobState === 'FINISHED') {
      found.push(finish(item.pk, 'canceled', null, 'it is over, and still in the queue'));
    } else if (own?.status === 'running' && item.jobState === 'PENDING') {
      const event = asTold(item, item.pk, 'running', own.runnerId);
      found.push(tell('bind-runner', 'Job Running', item.pk, event, 'it runs in GitLab, and no hook said so'));
    }
    if (takenJob && runs && taken && isOver(taken.status) && (takenJob !== item.pk || item.jobState === 'FINISHED')) {
      const reason = `the job that runner ${item.runnerId} took is over, and the runner was not stopped`;
      found.push(finish(takenJob, taken.status, item.runnerId ?? null, reason));
    }
    return found;
  });
}

/**
 * Jobs that wait in GitLab, of which somebody's hook said that they run: nobody would make them a runner. One that ends
 * is looked at when it has.
 */
export function jobsToUnbind({ live, jobs }: Looked): Suspect[] {
  const mayBeUntrue = ({ pk, state, jobState, takenJob }: RunnerItem) =>
    jobState === 'RUNNING' && state !== 'STOPPING' && (takenJob ?? pk) === pk && jobs.get(pk)?.status === 'pending';
  return live.filter(mayBeUntrue).map((item) => ({
    repair: {
      kind: 'unbind-runner',
      subject: item.pk,
      reason: 'it waits in GitLab, and a hook said that it runs',
      action: { do: 'unbind', item },
    },
  }));
}

/** Runners of ours that run a job in GitLab and have none in our table. */
export function runnersToBind({ live, jobs }: Looked, now: number): Suspect[] {
  const at = new Date(now).toISOString();
  const idle = live.filter(({ state, takenJob }) => ['REGISTERED', 'LAUNCHED'].includes(state) && !takenJob);
  const byRunner = new Map(idle.map((item) => [item.runnerId, item]));
  return [...jobs].flatMap(([job, { status, runnerId }]) => {
    const runner = runnerId === null ? undefined : byRunner.get(runnerId);
    const reference = parseJobKey(job);
    if (status !== 'running' || runnerId === null || !runner || !reference) return [];
    const event: JobEvent = { ...runner.event, ...reference, status, runnerId, occurredAt: at, receivedAt: at };
    const named = jobKeyOf(runner.event) === job ? event : { ...event, jobName: '' };
    return [tell('bind-runner', 'Job Running', job, named, `runner ${runnerId} took it, and no hook said so`)];
  });
}

function start(kind: RepairKind, job: JobKey, event: JobEvent, reason: string): Suspect {
  return tell(kind, 'Job Pending', job, event, reason);
}

function tell(
  kind: RepairKind,
  type: Extract<Repair['action'], { do: 'tell-of-job' }>['type'],
  job: JobKey,
  event: JobEvent,
  reason: string,
): Suspect {
  return { repair: { kind, subject: job, reason, action: { do: 'tell-of-job', type, event } } };
}
