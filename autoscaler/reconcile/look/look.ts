import { type ListedJob, runningOf } from '../../../infrastructure/gitlab/gitlab-listings.ts';
import { allowedProjectsFilter } from '../../../infrastructure/kit/allowed-projects.ts';
import type { JobEvent } from '../../../infrastructure/kit/job-event.ts';
import { type JobKey, jobKeyOf } from '../../../infrastructure/kit/job-key.ts';
import type { KnownProject } from '../../runner-store/known-projects.ts';
import type { RunnerItem } from '../../runner-store/runner-item.ts';
import { placesUnder } from '../../runner-store/wide-caps.ts';
import { lambdaJobsAtOnce, underLambdaLimit } from '../../runner-types/lambda/lambda-limit.ts';
import { findLeftToOthers, type UnknownJob } from '../decide/left-to-others.ts';
import type { ReconcilePorts } from '../reconcile-ports.ts';
import { askingGitLab, type LookContext, unlessFailing } from './ask-gitlab.ts';
import { discoverProjects, isDiscoveryDue } from './discover-projects.ts';
import { inTurns } from './in-turns.ts';
import { freshSuspicions, isRoundDue, planRound } from './known-projects.ts';
import { lookAtJobs } from './look-at-jobs.ts';
import { lookAtLambdaLimit } from './look-at-lambda-limit.ts';
import type { ReconcilerMemory } from './memory.ts';
import { listOwnRunners } from './own-runners.ts';
import type { Seen, SeenJob } from './seen.ts';

/** Calls to GitLab at the same time, and runners that are asked for their jobs in one pass. */
const callsAtOnce = 5;
const runnersPerPass = 60;

/**
 * Looks at what is there: always at the live items and the instances; at GitLab when something lives or is suspected,
 * and else every five minutes. What cannot be read is null. When GitLab does not answer, the rest of the pass does
 * without it.
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
  const discoveryIsDue = isDiscoveryDue(memory, roundIsDue, now);
  if (isIdle && !roundIsDue && !discoveryIsDue) return seen;

  const lambdaLimit = await lookAtLambdaLimit(
    ports.lambdaLimit,
    memory.lambdaLimit,
    (error) => context.log.warn('the limit of the account’s functions could not be read', { error }),
    now,
  );
  const ask = askingGitLab(context, () => ports.outages.note(now));
  const { discoveredAt, discovery } = discoveryIsDue ? await discoverProjects(ports, memory, ask, now) : memory;
  const [tickets, places, known] = await Promise.all([
    unlessFailing('the tickets', () => ports.memory.listTickets(), context),
    unlessFailing('the counters', () => placesUnder(store, live), context),
    unlessFailing('the known projects', () => ports.memory.listProjects(), context),
  ]);
  const runners = await listOwnRunners(live, ports, ask);
  const isAllowed = allowedProjectsFilter(ports.projects);
  // Of one whose path is not known, GitLab tells it to ChooseRunner, which has the last word of them all.
  const mayBeAllowed = ({ path }: KnownProject) => path === null || isAllowed(path).allowed;
  const round = planRound((known ?? []).filter(mayBeAllowed), live, memory, now, patience);
  const jobs = new Map<JobKey, SeenJob>();
  const unknown: UnknownJob[] = [];
  const notAllowed = new Set<JobKey>();
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
      if (!mayBeAllowed(project)) notAllowed.add(key);
      else if (!inTable.has(key)) unknown.push({ event, tags: job.tags });
    }
  });
  const leftToOthers = await findLeftToOthers(unknown, ports, context);
  await lookAtJobs(live, jobs, ports, ask, now);
  const isUnbound = unboundRunners(live);
  const unbound = (runners ?? []).filter(({ runnerId, busy }) => busy && isUnbound.has(runnerId));
  await inTurns(unbound.slice(0, runnersPerPass), callsAtOnce, async ({ runnerId }) => {
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
    leftToOthers: new Set([...leftToOthers, ...notAllowed]),
    listedProjects,
    isGitLabAway: ask.isAway(),
    memory: { ...memory, ...roundMemory, discoveredAt, discovery, ...(lambdaLimit ? { lambdaLimit } : {}) },
  };
}

/** A limit that was raised lets jobs start that wait by the caps of the time when they came. */
function underTodaysLimit(live: readonly RunnerItem[], unreserved: number | undefined): readonly RunnerItem[] {
  if (unreserved === undefined) return live;
  return live.map((item) => underLambdaLimit(item, lambdaJobsAtOnce(unreserved)));
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

/** Ids of runners that our table takes for idle. */
function unboundRunners(live: readonly RunnerItem[]): ReadonlySet<number | undefined> {
  return new Set(live.filter(({ takenJob }) => !takenJob).map(({ runnerId }) => runnerId));
}
