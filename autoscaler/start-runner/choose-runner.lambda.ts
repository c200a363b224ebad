import type { GitLab } from '../../infrastructure/gitlab/gitlab.client.ts';
import type { NamedJob } from '../../infrastructure/gitlab/gitlab-listings.ts';
import { allowedProjectsFilter } from '../../infrastructure/kit/allowed-projects.ts';
import { type JobEvent, jobEventSchema } from '../../infrastructure/kit/job-event.ts';
import { isBeforePending } from '../../infrastructure/kit/job-event-types.ts';
import { jobKeyOf } from '../../infrastructure/kit/job-key.ts';
import {
  type LambdaContext,
  lambdaHandler,
  readEnvironment,
} from '../../infrastructure/kit/lambda/lambda-handler.client.ts';
import type { ProjectFilter } from '../../infrastructure/kit/project-filter.ts';
import { mayConcern, notProvedFor } from '../../infrastructure/kit/webhook-scope.ts';
import { mightBeOurs, type Offer, type RunnerAnswer, type RunnerDecision } from '../demand/choose-runner.ts';
import { toldByGitLab } from '../demand/told-by-gitlab.ts';
import { leaveQueue } from '../end-runner/end-runner.ts';
import { eventBusEnvironment, projectsEnvironment, routingEnvironment } from '../environment/environment.ts';
import { createEventBus } from '../events/event-bus.client.ts';
import type { EventBus } from '../events/event-bus.ts';
import { tellGateIfPossible } from '../gate/tell-gate.ts';
import { createGitLabFromEnvironment } from '../gitlab/live-gitlab.client.ts';
import { createJobMappings, type JobMappings } from '../job-mappings/job-mappings.client.ts';
import { createKnownProjects } from '../runner-store/known-projects.client.ts';
import type { ProjectsStore } from '../runner-store/known-projects.ts';
import { createDocumentClient, createTables } from '../runner-store/live-tables.client.ts';
import { JobNotYetPendingError } from '../runner-store/runner-errors.ts';
import { choiceOf, type RunnerItem } from '../runner-store/runner-item.ts';
import { type RunnersStore, whenItWentOn } from '../runner-store/runners-store.ts';
import { tablesEnvironment } from '../runner-store/tables-environment.ts';
import { createKnownLambdaLimit, type KnownLambdaLimit } from '../runner-types/lambda/known-lambda-limit.client.ts';
import { lambdaCounter, lambdaJobsAtOnce, underLambdaLimit } from '../runner-types/lambda/lambda-limit.ts';
import { traitsOf } from '../runner-types/runner-types.ts';
import { findWhoNeedsStandIn } from './find-who-needs-stand-in.ts';
import { imageRulesFor } from './image-rules.ts';
import { decideByProtection } from './job-protection.ts';

export type ChooseRunnerPorts = {
  readonly gitlab: Pick<GitLab, 'readJob' | 'isProtectedRef'>;
  readonly store: RunnersStore;
  readonly mappings: JobMappings;
  readonly offer: Omit<Offer, 'mappings'>;
  readonly bus: EventBus;
  /** The configuration's `allowedProjects`: the one place where it is decided, whatever asks for a runner. */
  readonly isAllowed: ProjectFilter;
  readonly projects: Pick<ProjectsStore, 'forgetProject'>;
  /** The account's limit of executions at the same time; where there are LAMBDA profiles. */
  readonly lambdaLimit?: Pick<KnownLambdaLimit, 'read'>;
  readonly now: () => number;
};

/** GitLab's states before `pending`: its hook came from the database, its answer from a replica that lags. */
const notYetPending = ['created', 'waiting_for_resource', 'waiting_for_callback', 'preparing', 'scheduled', 'manual'];
/** Those that a job leaves by itself, and maybe has left already: the others need a person or a time. */
const aboutToWait = ['created', 'waiting_for_resource', 'waiting_for_callback', 'preparing'];

/** A log line has its limits; `mapping ls` shows them all. */
const mostRowsNamed = 20;

/**
 * Decides where a pending job runs: its mapping by name, project and tags, as GitLab tells them, once it confirms that
 * the job still waits. Of the hook nothing decides but which job of which project is looked at: whoever writes its
 * template writes what it says. A job that no mapping names, by the word of its hook, is not asked about. A hook that
 * told of a state before `pending` is only a reason to ask. When the job already runs, on the runner of another job
 * that now has none, the runner that it would have got is made for that job: one for each job that waited.
 *
 * @throws {JobNotYetPendingError} when GitLab's answer lags behind its hook.
 * @throws {MappingNotAllowedError} when the mapping names what was not deployed.
 */
export async function chooseRunner(
  event: JobEvent,
  ports: ChooseRunnerPorts,
  { log }: LambdaContext,
): Promise<RunnerAnswer> {
  const { mappings, invalid } = await ports.mappings.read();
  if (invalid.length > 0) {
    const rows = invalid.slice(0, mostRowsNamed).map(({ id, faults }) => ({ mapping: id, faults }));
    log.count({ InvalidMappings: invalid.length }, 'job mappings are not valid and are skipped', { rows });
  }
  const offer = { ...ports.offer, mappings };
  // A job that is told as running may have taken a runner of ours, whatever the mappings say of it.
  const runsSomewhere = event.status === 'running' && event.runnerId !== null;
  if (!runsSomewhere && !mightBeOurs(event, offer)) {
    // An event that is no delivery of GitLab's is another look at a job that may wait.
    if (event.deliveryId === null) await stopWaiting(event, ports, (item) => !mightBeOurs(item.event, offer));
    // One of ours that is to run after it may be about to ask.
    if (event.status === 'pending') await tellGateIfPossible(event, [], ports, log);
    return ignore('no mapping names the job', log);
  }
  const isUnsure = isBeforePending(event.status);
  // Most of these hooks come late, after the one that told of `pending`: they cost GitLab nothing.
  if (isUnsure && isServed(await ports.store.read(jobKeyOf(event)))) return ignore('the job has its runner', log);

  const [seen, unreserved] = await Promise.all([
    ports.gitlab.readJob(event.projectId, event.jobId),
    ports.lambdaLimit?.read(),
  ]);
  const functionsAtOnce = unreserved === undefined ? undefined : lambdaJobsAtOnce(unreserved);
  if (!seen) {
    await stopWaiting(event, ports);
    return ignore('the job does not exist in GitLab any more', log);
  }
  // Whatever waits there goes on to wait: nobody who may say so has said anything.
  if (!mayConcern(event, seen.projectPath)) return ignore(notProvedFor(event), log);
  return chooseForSeen(toldByGitLab(event, seen), seen, { offer, functionsAtOnce, isUnsure }, ports, log);
}

type Circumstances = {
  readonly offer: Offer;
  readonly functionsAtOnce: number | undefined;
  readonly isUnsure: boolean;
};

/** Where a job runs that GitLab knows; `event` says of it what GitLab does. */
async function chooseForSeen(
  event: JobEvent,
  job: NamedJob,
  { offer, functionsAtOnce, isUnsure }: Circumstances,
  ports: ChooseRunnerPorts,
  log: LambdaContext['log'],
): Promise<RunnerAnswer> {
  const allowed = ports.isAllowed(event.projectPath);
  if (!allowed.allowed) {
    await stopWaiting(event, ports);
    await ports.projects.forgetProject(event.projectId);
    return ignore(allowed.reason, log);
  }
  if (isUnsure && aboutToWait.includes(job.status)) return lookAgain(`the job is ${job.status}`, log);
  if (!isUnsure && notYetPending.includes(job.status)) {
    throw new JobNotYetPendingError(`job ${event.jobId} is "${job.status}" in GitLab although its hook said pending`);
  }
  if (job.status === 'running' && job.runnerId !== null) {
    const waiting = await findWhoNeedsStandIn({ ...event, runnerId: job.runnerId }, ports);
    if (!waiting) return ignore('the job is running', log);
    log.info('the job took the runner of another one, which gets the next', { waiting: waiting.pk });
    const choice = choiceOf(waiting);
    const today = functionsAtOnce === undefined ? choice : underLambdaLimit(choice, functionsAtOnce);
    return withImageRules({ decision: 'LAUNCH', choice: { ...today, standIn: true }, event }, event, offer);
  }
  if (job.status !== 'pending') {
    if (event.deliveryId === null) await stopWaiting(event, ports);
    return ignore(`the job is ${job.status}`, log);
  }
  const current = {
    ...offer,
    ...(functionsAtOnce === undefined ? {} : { accountLimits: { [lambdaCounter]: functionsAtOnce } }),
  };
  const askIfProtected = () => ports.gitlab.isProtectedRef(event.projectId, event.ref);
  const decision = await decideByProtection(event, job, current, askIfProtected);
  if (decision.decision === 'IGNORE') {
    await stopWaiting(event, ports);
    await tellGateIfPossible(event, [], ports, log);
    return ignore(decision.reason, log);
  }
  log.info('runner chosen', { ...decision.choice });
  return withImageRules({ ...decision, event }, event, offer);
}

/** A function is told which other jobs, of those that GitLab may give it, it cannot run. */
function withImageRules(
  decision: Extract<RunnerDecision, { decision: 'LAUNCH' }>,
  { projectPath }: JobEvent,
  offer: Offer,
): RunnerDecision {
  const { choice } = decision;
  if (![choice, choice.fallback].some((one) => one && traitsOf(one).refusesImages)) return decision;
  const rules = imageRulesFor({ projectPath, tags: choice.tags }, offer);
  return rules.length === 0 ? decision : { ...decision, images: { rules } };
}

/** A job that waited, for GitLab or for the mending of its mapping, turns out to be none of ours. */
async function stopWaiting(
  event: JobEvent,
  { store, now }: ChooseRunnerPorts,
  isNotOurs: (item: RunnerItem) => boolean = () => true,
): Promise<void> {
  const item = await store.read(jobKeyOf(event));
  if (item?.state === 'WAITING' && isNotOurs(item)) await leaveQueue({ store, now }, item).catch(whenItWentOn);
}

/** Whether a job needs no runner but the one that it has, if any, as far as our table tells. */
function isServed(item: RunnerItem | null): boolean {
  if (!item) return false;
  return item.jobState !== 'PENDING' || !['WAITING', 'FAILED', 'RELEASED'].includes(item.state);
}

function lookAgain(reason: string, log: LambdaContext['log']): RunnerAnswer {
  log.info('one more look at the job is worth it', { reason });
  return { decision: 'LOOK_AGAIN', reason };
}

function ignore(reason: string, log: LambdaContext['log']): RunnerDecision {
  log.info('job ignored', { reason });
  return { decision: 'IGNORE', reason };
}

export const handler = lambdaHandler({
  input: jobEventSchema,
  logFields: ({ projectId, jobId }) => ({ projectId, jobId }),
  ports: () => {
    const { MAPPINGS_TABLE, PROFILES, DEFAULT_RUNNER, MAX_CONCURRENT, EXACT } = readEnvironment(routingEnvironment);
    const { RUNNERS_TABLE } = readEnvironment(tablesEnvironment);
    const dynamodb = createDocumentClient();
    const hasFunctions = Object.values(PROFILES).some(({ type }) => type === 'LAMBDA');
    return {
      gitlab: createGitLabFromEnvironment(),
      mappings: createJobMappings(dynamodb, MAPPINGS_TABLE, Date.now),
      ...createTables(dynamodb),
      isAllowed: allowedProjectsFilter(readEnvironment(projectsEnvironment).PROJECTS),
      projects: createKnownProjects(dynamodb, RUNNERS_TABLE),
      bus: createEventBus(readEnvironment(eventBusEnvironment).EVENT_BUS_ARN),
      ...(hasFunctions ? { lambdaLimit: createKnownLambdaLimit(dynamodb, RUNNERS_TABLE, Date.now) } : {}),
      offer: { profiles: PROFILES, defaultRunner: DEFAULT_RUNNER, maxConcurrent: MAX_CONCURRENT, exact: EXACT },
    };
  },
  work: chooseRunner,
});
