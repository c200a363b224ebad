import { type ListedJob, runningOf } from '../../infrastructure/lib/gitlab-listings.ts';
import type { JobEvent } from '../../infrastructure/lib/job-event.ts';
import { type JobKey, jobKeyOf, parseJobKey } from '../../infrastructure/lib/job-key.ts';
import { lambdaJobsAtOnce, underLambdaLimit } from '../runners/lambda-limit.ts';
import type { RunnerItem } from '../runners/runner-item.ts';
import { askingGitLab, type LookContext, unlessFailing } from './ask-gitlab.ts';
import { discoverProjects } from './discover-projects.ts';
import { inTurns } from './in-turns.ts';
import { freshSuspicions, isRoundDue, planRound } from './known-projects.ts';
import { findLeftToOthers, type UnknownJob } from './left-to-others.ts';
import { lookAtLambdaLimit } from './look-at-lambda-limit.ts';
import type { ReconcilerMemory } from './memory.ts';
import { listOwnRunners } from './own-runners.ts';
import type { ReconcilePorts } from './reconcile-ports.ts';
import type { KnownProject } from './reconcile-store.ts';
import type { Seen, SeenJob } from './seen.ts';

/** Calls to GitLab at the same time, and calls about single jobs in one pass. */
const callsAtOnce = 5;
const jobsPerPass = 60;
/**
 * Looks at what is there: always at the live items and the instances; at GitLab when something lives or is suspected, and else every five
 * minutes. What cannot be read is null. When GitLab does not answer, the rest of the pass does without it.
 *
 * @param memory what the last pass left.
 */
export async function look(
  ports: ReconcilePorts,
  memory: ReconcilerMemory,
  context: LookContext,
  now: number,
): Promise<Seen> {
  const { store, instances: ec2, maxAttempts, patience = 1, gitlab } = ports;
  const [live, instances] = await Promise.all([
    unlessFailing('the live items', () => store.readLive(), context),
    unlessFailing('the instances', () => ec2.listInstances(), context),
  ]);
  const seen: Seen = {
    live,
    instances,
    runners: null,
    tickets: null,
    jobs: new Map(),
    leftToOthers: new Set(),
    listedProjects: new Set(),
    isGitLabAway: false,
    places: null,
    memory,
    maxAttempts,
    patience,
  };
  if (!live) return seen;
  const isIdle = live.length === 0 && instances?.length === 0 && freshSuspicions(memory).length === 0;
  const roundIsDue = isRoundDue(memory, now, patience);
  if (isIdle && !roundIsDue) return seen;

  const lambdaLimit = await lookAtLambdaLimit(
    ports.lambdaLimit,
    memory.lambdaLimit,
    (error) => context.log.warn('the limit of the account’s functions could not be read', { error }),
    now,
  );
  const ask = askingGitLab(context, () => ports.outages.note(now));
  const discoveredAt = roundIsDue ? await discoverProjects(ports, memory.discoveredAt, ask, now) : memory.discoveredAt;
  const [tickets, places, known] = await Promise.all([
    unlessFailing('the tickets', () => ports.memory.listTickets(), context),
    unlessFailing('the counters', () => store.placesTaken(countersOf(live)), context),
    unlessFailing('the known projects', () => ports.memory.listProjects(), context),
  ]);
  const runners = await listOwnRunners(live, ports, ask);
  const round = planRound(known ?? [], live, memory, now, patience);
  const jobs = new Map<JobKey, SeenJob>();
  const unknown: UnknownJob[] = [];
  const inTable = new Set(live.map(({ pk }) => pk));
  const listedProjects = new Set<number>();
  await inTurns(round.projects, callsAtOnce, async (project) => {
    const pending = await ask(`pending jobs of project ${project.projectId}`, () =>
      gitlab.pendingJobs(project.projectId),
    );
    if (!pending) return;
    listedProjects.add(project.projectId);
    for (const job of pending) {
      const event = eventOf(project, job, now);
      const key = jobKeyOf(event);
      jobs.set(key, { status: 'pending', runnerId: null, event });
      if (!inTable.has(key)) unknown.push({ event, tags: job.tags });
    }
  });
  const leftToOthers = await findLeftToOthers(unknown, ports, context);
  await inTurns(jobsToAskAbout(live, jobs, now), callsAtOnce, async (key) => {
    const { projectId, jobId } = parseJobKey(key) ?? { projectId: 0, jobId: 0 };
    const answer = await ask(key, async () => ({ job: await gitlab.readJob(projectId, jobId) }));
    if (!answer) return;
    const { status = 'gone', runnerId = null } = answer.job ?? {};
    jobs.set(key, { status, runnerId, event: null });
  });
  const unbound = (runners ?? []).filter(({ runnerId, busy }) => busy && isUnbound(live, runnerId));
  await inTurns(unbound.slice(0, jobsPerPass), callsAtOnce, async ({ runnerId }) => {
    const running = await ask(`jobs of runner ${runnerId}`, async () => runningOf(await gitlab.jobsOf(runnerId)));
    if (running) jobs.set(jobKeyOf(running), { status: 'running', runnerId, event: null });
  });
  // What GitLab did not answer is looked at in the next pass again.
  const roundMemory: Pick<ReconcilerMemory, 'roundStartedAt' | 'roundCursor'> =
    ask.isUp() && known ? round.memory : memory;
  return {
    ...seen,
    live: underTodaysLimit(live, lambdaLimit?.unreserved),
    runners,
    tickets,
    places,
    jobs,
    leftToOthers,
    listedProjects,
    isGitLabAway: ask.isAway(),
    memory: { ...memory, ...roundMemory, discoveredAt, ...(lambdaLimit ? { lambdaLimit } : {}) },
  };
}

/** A limit that was raised lets jobs start that wait by the caps of the time when they came. */
function underTodaysLimit(live: readonly RunnerItem[], unreserved: number | undefined): readonly RunnerItem[] {
  if (unreserved === undefined) return live;
  return live.map((item) => underLambdaLimit(item, lambdaJobsAtOnce(unreserved)));
}

function countersOf(live: readonly RunnerItem[]): readonly string[] {
  return [...new Set(live.flatMap(({ caps }) => caps.map(({ counter }) => counter)))];
}

/** A job of a list as its hook would have told it. */
function eventOf({ projectId, path }: KnownProject, job: ListedJob, now: number): JobEvent {
  const at = new Date(now).toISOString();
  return {
    jobId: job.id,
    projectId,
    jobName: job.name,
    stage: job.stage,
    status: 'pending',
    projectPath: path,
    pipelineId: job.pipelineId,
    ref: job.ref,
    runnerId: null,
    occurredAt: at,
    receivedAt: at,
    failureReason: null,
    deliveryId: null,
  };
}

/** Jobs of live items of which the lists of pending jobs say nothing; in turns when there are many. */
function jobsToAskAbout(live: readonly RunnerItem[], known: ReadonlyMap<JobKey, SeenJob>, now: number): JobKey[] {
  const wanted = live.flatMap((item) => [
    ...(item.jobState === 'FINISHED' && item.takenJob !== item.pk ? [] : [item.pk]),
    ...(item.state === 'RUNNING' && item.takenJob ? [item.takenJob] : []),
  ]);
  const unknown = [...new Set(wanted)].filter((job) => !known.has(job)).sort();
  const parts = Math.max(1, Math.ceil(unknown.length / jobsPerPass));
  const turn = Math.floor(now / 60_000) % parts;
  return unknown.slice(turn * jobsPerPass, (turn + 1) * jobsPerPass);
}

/** A runner of ours that our table takes for idle. */
function isUnbound(live: readonly RunnerItem[], runnerId: number): boolean {
  return live.some((item) => item.runnerId === runnerId && !item.takenJob);
}
