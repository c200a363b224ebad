import * as z from 'zod/mini';
import { findPlace } from '../../autoscaler/bind-runner/find-place.ts';
import { decideRunner } from '../../autoscaler/demand/choose-runner.ts';
import { whyNeverTaken } from '../../autoscaler/demand/long-lived-runner.ts';
import { spotWarningType, stateChangeType } from '../../autoscaler/events/instance-event.ts';
import { runnerFailedType } from '../../autoscaler/events/runner-failed.ts';
import { RunnerStateChangedError } from '../../autoscaler/runner-store/runners-store.ts';
import { sourcesOf } from '../../autoscaler/runner-types/ec2/launch-source.ts';
import { lambdaJobsAtOnce, smallestLimit } from '../../autoscaler/runner-types/lambda/lambda-limit.ts';
import { allowedProjectsFilter } from '../../infrastructure/kit/allowed-projects.ts';
import { type JobKey, parseJobKey } from '../../infrastructure/kit/job-key.ts';
import { InvalidInputError } from '../../infrastructure/kit/lambda/lambda-handler.client.ts';
import { createLog } from '../../infrastructure/kit/lambda/log.ts';
import { type LambdaRunnerPayload, lambdaRunnerPayloadSchema } from '../../infrastructure/kit/runner-ticket.ts';
import { launchProfile } from '../autoscaler/runner-types/ec2/launch-world.ts';
import { testStart } from '../support/builders.ts';
import { inMemoryGateQueue } from '../support/in-memory-gate-queue.ts';
import { inMemoryOutageMark } from '../support/in-memory-outage-mark.ts';
import { inMemoryReconcileStore } from '../support/in-memory-reconcile-store.ts';
import { inMemoryRetryMarks } from '../support/in-memory-retry-marks.ts';
import { StateError } from '../support/state-machine-errors.ts';
import { type BusEvent, createBusModel } from './bus-model.ts';
import type { AllPorts, Composition } from './composition.ts';
import { deployedParts, ruleTakes } from './deployed.ts';
import { createEc2Model, lives } from './ec2-model.ts';
import { createExecutionsModel } from './executions-model.ts';
import { createFaults } from './faults.ts';
import { isOnlyAsked } from './generate-schedule.ts';
import { createGitLabModel } from './gitlab-model.ts';
import { createHostsModel } from './hosts-model.ts';
import { createInvariants } from './invariants.ts';
import { createManagersModel } from './managers-model.ts';
import { createPlacementsWatch } from './placements-watch.ts';
import { createProcess, portsOf } from './process.ts';
import { createQueueModel } from './queue-model.ts';
import { createRandom, type Random, seedOf } from './random.ts';
import {
  allowedProjects,
  isCapped,
  type LambdaName,
  pathOf,
  refAndStage,
  type Schedule,
  type Settings,
} from './schedule.ts';
import { isOver, type SimulatedJob } from './simulated-job.ts';
import { createTablesModel } from './tables-model.ts';
import { troubleOf } from './trouble.ts';
import { createVirtualTime } from './virtual-time.ts';
import { createWebhooksModel } from './webhooks-model.ts';
import { conditionFailed, createWorkflowsModel } from './workflows-model.ts';

/** What Lambda's on-failure destination says. */
const functionFailedType = 'Lambda Function Invocation Result - Failure';
/** As in bundled-function.construct.ts. */
const lambdaMilliseconds = 30_000;

const throttled = 'Lambda.TooManyRequestsException';

/** A pass of the reconciler, which comes each minute, keeps no run from its end. */
const weightOf = (name: LambdaName) => (name === 'reconcile' ? 0 : 1);

/** What Lambda does with an event for a function. */
type AsyncRules = { readonly retries: number; readonly maxAgeMilliseconds: number };
/** Source: https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-error-handling.html */
const usualAsync: AsyncRules = { retries: 2, maxAgeMilliseconds: 6 * 60 * 60_000 };
/** As in reconciler.construct.ts. */
const asyncOfReconciler: AsyncRules = { retries: 0, maxAgeMilliseconds: 60_000 };

/** A boot takes up to 25 s here, and a job's runner may be taken by the seven others first, one after the other. */
const calmWaitSeconds = 240;

const longestAfterTroubleSeconds = 600;

/**
 * For each job that is left to others: nobody starts it here, or one after the other. Ours wait five minutes for it
 * from when it is pending, a pass of the reconciler notices it, and their runners may then be given it.
 */
const longestForOneOfOthersSeconds = 400;
/** Those that come late become pending one after the other; the others are waited for at the same time. */
const mostInTurn = 5;

/** Told of everything that happens, for people who look into a run. `at`: milliseconds since 1970. */
export type Trace = (at: number, line: string) => void;

/** The whole system in memory and in virtual time: the real Lambdas and workflows between models of what they meet. */
export function createSimulatedWorld(schedule: Schedule, composition: Composition, trace?: Trace) {
  const { seed, settings } = schedule;
  const isAllowed = allowedProjectsFilter(allowedProjects);
  const time = createVirtualTime(testStart);
  const faults = createFaults(schedule.faults, () => (time.now() - testStart) / 1_000);
  const randomOf = (part: string): Random => createRandom(seedOf(seed, part));
  const invariants = createInvariants(() => watched);
  const parts = { time, faults };
  const invocations = new Map<string, number>();
  let invocationsUnderWay = 0;
  let ids = 0;

  const executions = createExecutionsModel({
    most: settings.lambdaLimit,
    faults,
    onStarved: invariants.sawStarved,
  });
  const tables = createTablesModel({
    ...parts,
    random: randomOf('tables'),
    onWrite: (written) => {
      invariants.sawWrite(written);
      placements.sawWrite(written);
    },
  });
  const gitlab = createGitLabModel({
    ...parts,
    cancelsAtOnce: settings.cancelsAtOnce,
    longPolls: settings.longPolls ?? false,
    onHook: (job, status) => {
      trace?.(time.now(), `GitLab: job ${job.id} is ${status}, runner ${job.runnerId}`);
      invariants.touch();
      placements.sawHook(job, status);
      webhooks.send(job, status);
    },
    onPassedOver: (job) => placements.sawPassedOver(job),
    onStuck: invariants.sawStuck,
    onMeddling: invariants.sawMeddling,
    onRetry: invariants.sawRetry,
    onCancelByUs: invariants.sawCancel,
  });
  const placements = createPlacementsWatch({
    now: time.now,
    runners: gitlab.runners,
    itemOf: (job) => tables.items.get(job),
    lookOf: ({ turnAt }) => (turnAt === undefined ? time.now() : Date.parse(turnAt)),
    profilesOf,
  });
  const memory = inMemoryReconcileStore(tables);
  const bus = createBusModel({ ...parts, random: randomOf('bus'), deliver });
  const put = (type: string, detail: unknown) => {
    invariants.scan('an event', detail);
    bus.put(type, detail);
  };
  const putOfInstance = (type: string, detail: unknown) =>
    put(type, { 'detail-type': type, time: new Date(time.now()).toISOString(), detail });
  const webhooks = createWebhooksModel({
    ...parts,
    random: randomOf('webhooks'),
    gitlab: () => gitlab,
    writesLate: settings.writesLate,
    executions,
    readHook: composition.readHook,
    put,
  });
  const ec2 = createEc2Model({
    ...parts,
    onLaunch: (instance) => {
      trace?.(time.now(), `EC2: ${instance.id} is launched`);
      invariants.touch();
      invariants.scan('a launch', instance.request);
      fleet.boot(instance);
    },
    onTerminate: (instance) => {
      trace?.(time.now(), `EC2: ${instance.id} is terminated`);
      invariants.sawTermination(instance);
    },
    onEnd: ({ id, state }) => putOfInstance(stateChangeType, { 'instance-id': id, state }),
  });
  const fleet = createHostsModel({
    ...parts,
    random: randomOf('hosts'),
    gitlab,
    ec2: () => ec2,
    claim: (composition.claim ?? ((claim) => claim))(tables.claim, tables),
    onTaken: (host) => {
      invariants.touch();
      placements.sawTaken(host);
      const [misplaced] = placements.misplaced;
      if (misplaced && isCalm && settings.exact !== 'off')
        invariants.fail('7 the right runner', `a runner of ${misplaced.profile} took job ${misplaced.jobId}`);
      if (host.job) invariants.sawTaken(host, host.job);
    },
    onInterrupted: invariants.sawInterrupted,
    onSpotWarning: (instanceId) => putOfInstance(spotWarningType, { 'instance-id': instanceId }),
    executions,
    onStarted: invariants.sawStarted,
    onFunctionFailed: (payload, { condition, errorType }) =>
      put(functionFailedType, {
        requestContext: { condition, approximateInvokeCount: 1 },
        requestPayload: payload,
        ...(errorType && {
          responseContext: { statusCode: 200, functionError: 'Unhandled' },
          responsePayload: { errorType, errorMessage: 'simulated' },
        }),
      }),
  });
  const queue = createQueueModel({
    ...parts,
    random: randomOf('queue'),
    consume: (batch) => invoke('launchInstances', batch) as never,
  });

  const longLived = settings.longLived && gitlab.bring(settings.longLived);
  if (settings.longLived?.hasOtherHost && longLived) fleet.runOtherHost(longLived.token);
  if (settings.foreignRunner) fleet.runOtherHost(gitlab.bring(settings.foreignRunner).token);
  /** What stands in the table, which a person edits. */
  function mappingsNow(): Settings['mappings'] {
    if (!faults.isOn('mapping-wrong')) return settings.mappings;
    return settings.mappings.map((mapping) =>
      mapping.target.type === 'IGNORE' ? mapping : { ...mapping, target: { type: 'EC2', profile: 'undeployed' } },
    );
  }
  const offer = {
    profiles: settings.profiles,
    defaultRunner: { type: 'IGNORE' },
    maxConcurrent: settings.maxConcurrent,
    exact: settings.exact,
  } as const;
  const ports: AllPorts = {
    deployment: 'ci',
    store: tables.store,
    gitlab: gitlab.api,
    jobs: { readJob: gitlab.api.readJob },
    mappings: { read: async () => ({ mappings: mappingsNow(), invalid: [] }) },
    offer,
    ...(settings.lambdaLimit === undefined ? {} : { lambdaLimit: knownLimit(settings.lambdaLimit) }),
    instances: { launch: ec2.launch, terminate: ec2.terminate, listInstances: async () => ec2.list() },
    ...(settings.longLived && longLived
      ? { longLived: createManagersModel({ profile: settings.longLived.profile, runner: longLived, gitlab, ec2 }) }
      : {}),
    tagging: { tagLater: async () => {} },
    marks: inMemoryRetryMarks(),
    outages: inMemoryOutageMark(),
    gateQueue: inMemoryGateQueue(),
    stateReasonOf: async () => null,
    retriedProfiles: settings.retriedProfiles ?? [],
    misplacedRetriedProfiles: [],
    findPlace: (event, job, runner) => findPlace(event, job, runner, ports),
    invoke: async (functionArn, tenantId, payload) => {
      invariants.sawInvocation(functionArn, payload, tenantId);
      fleet.invoke(payload);
    },
    isAllowed,
    projects: { noteProject: memory.noteProject, forgetProject: memory.forgetProject },
    memory,
    bus: { tell: async (type, detail) => put(type, detail) },
    launches: { send: async (request) => queue.send(JSON.stringify(request)) },
    queue: {
      comeBackSoon: async (receiptHandle, receives) => queue.comeBackSoon(receiptHandle, receives),
      reportFailed: async (requests, { name, message }) => {
        for (const { projectId, jobId, attempt } of requests)
          put(runnerFailedType, { projectId, jobId, attempt, event: null, error: name, cause: message });
      },
    },
    sourceOf: sourcesOf(
      Object.fromEntries(
        Object.keys(settings.profiles).map((name) => [name, launchProfile({ onDemand: settings.onDemand })]),
      ),
      ['subnet-1'],
    ),
    maxAttempts: settings.maxAttempts,
    now: time.now,
    random: randomOf('dice').next,
    randomId: () => {
      ids += 1;
      return `random-${ids}`;
    },
  };
  const log = createLog((line) => {
    trace?.(time.now(), line);
    invariants.scan('a log', line);
    if (!line.includes('"repair carried out"')) return;
    const { repair, subject } = JSON.parse(line) as { readonly repair: string; readonly subject: string };
    repairs.set(repair, (repairs.get(repair) ?? 0) + 1);
    if (repair === 'start-lost-job') invariants.sawJobStarted(parseJobKey(subject)?.jobId);
  }, time.now);
  const repairs = new Map<string, number>();

  /** One pass a minute, more or less. */
  function tick(): void {
    const random = randomOf(`tick ${time.now()}`);
    time.after(60_000 + random.whole(-2_000, 2_000), () => {
      if (!faults.strikeNth('pass-lost')) void invokeLater('reconcile', asyncOfReconciler);
      if (faults.strikeNth('pass-repeated')) void invokeLater('reconcile', asyncOfReconciler);
      tick();
    });
  }
  if (settings.reconciler) tick();

  /** One synchronous invocation of a Lambda, from the outside. */
  async function invoke(name: LambdaName, input: unknown): Promise<unknown> {
    const nth = (invocations.get(name) ?? 0) + 1;
    invocations.set(name, nth);
    const isThis = (fault: { readonly lambda: LambdaName; readonly nth: number }) =>
      fault.lambda === name && fault.nth === nth;
    const random = randomOf(`${name} ${nth}`);
    const lambda = composition.lambdas[name];
    if (!lambda) throw new Error(`The simulation has no Lambda ${name}`);
    const weight = weightOf(name);
    invocationsUnderWay += weight;
    let end: (() => void) | null = null;
    try {
      await time.sleep(random.chance(0.1) ? random.whole(300, 1_500) : random.whole(5, 60));
      if (faults.strike('lambda-refused', isThis)) throw new StateError(throttled, name);
      end = executions.beginOurs();
      if (!end) throw new StateError(throttled, name);
      const parsed = z.safeParse(lambda.input, input);
      if (!parsed.success) throw new InvalidInputError(JSON.stringify(parsed.error.issues));
      const process = createProcess(name);
      const crashed = faults.all('lambda-crashed').find(isThis);
      const crash = crashed && { ...crashed, happened: () => faults.count('lambda-crashed') };
      const endsAt = time.now() + lambdaMilliseconds;
      const given = portsOf(ports, { process, time, random, crash, endsAt });
      const own = composition.ports?.(given) ?? given;
      const context = { log, remainingMilliseconds: () => endsAt - time.now() };
      trace?.(time.now(), `${name} ${nth} <- ${JSON.stringify(parsed.data)}`);
      const result = await Promise.race([lambda.work(parsed.data as never, own, context), process.death]);
      trace?.(time.now(), `${name} ${nth} -> ${JSON.stringify(result)}`);
      if (faults.strike('answer-lost', isThis)) throw new StateError('Lambda.Unknown', `${name} did not answer`);
      return result;
    } catch (error) {
      trace?.(time.now(), `${name} ${nth} failed: ${error}`);
      if (error instanceof TypeError || error instanceof ReferenceError)
        invariants.fail('0 no mistake in the code', String(error.stack));
      throw error;
    } finally {
      end?.();
      invocationsUnderWay -= weight;
    }
  }

  /** An asynchronous one. What fails is tried again; what is throttled too, later and later, and without counting. */
  async function invokeLater(name: LambdaName, rules: AsyncRules, input: unknown = {}): Promise<void> {
    const weight = weightOf(name);
    invocationsUnderWay += weight;
    const until = time.now() + rules.maxAgeMilliseconds;
    let wait = 1_000;
    for (let tries = 0; ; ) {
      const error = await invoke(name, input).then(
        () => null,
        (reason: unknown) => reason,
      );
      if (!error) break;
      const isThrottled = error instanceof StateError && error.error === throttled;
      if (!isThrottled) tries += 1;
      const pause = isThrottled ? wait : tries * 60_000;
      if (tries > rules.retries || time.now() + pause > until) break;
      if (isThrottled) wait = Math.min(2 * wait, 5 * 60_000);
      await time.sleep(pause);
    }
    invocationsUnderWay -= weight;
  }

  const workflows = createWorkflowsModel({
    ...parts,
    seed,
    scan: invariants.scan,
    onEnd: (what) => trace?.(time.now(), what),
    routes: {
      lambdas: {
        ...Object.fromEntries(
          Object.keys(composition.lambdas).map((name) => [
            `Functions${name.toLowerCase()}`,
            (payload: unknown) => invoke(name as LambdaName, payload),
          ]),
        ),
        'function:': async (payload: LambdaRunnerPayload) => {
          const parsed = z.parse(lambdaRunnerPayloadSchema, payload) as LambdaRunnerPayload;
          // Each schedule has one function.
          invariants.sawInvocation(settings.profiles.shell?.functionArn ?? '', parsed, null);
          fleet.invoke(parsed);
        },
      },
      services: {
        'sqs:sendMessage': async ({ MessageBody }: { readonly MessageBody: string }) => {
          invariants.scan('a message', MessageBody);
          queue.send(MessageBody);
          return {};
        },
        'events:putEvents': async ({ Entries }: { readonly Entries: { DetailType: string; Detail: unknown }[] }) => {
          for (const { DetailType, Detail } of Entries) put(DetailType, Detail);
          return { FailedEntryCount: 0, Entries: [] };
        },
        'dynamodb:updateItem': noteLaunch,
      },
    },
  });

  /** What the state NoteLaunch asks of DynamoDB; its expressions are checked where the definitions are. */
  async function noteLaunch(input: {
    readonly Key: { readonly pk: { readonly S: JobKey } };
    readonly ExpressionAttributeValues: Readonly<Record<string, { readonly N?: string }>>;
  }) {
    await time.sleep(30);
    const attempt = Number(input.ExpressionAttributeValues[':attempt']?.N);
    const set = { state: 'LAUNCHED', launchedAt: new Date(time.now()).toISOString() } as const;
    try {
      await tables.store.write({ kind: 'update', job: input.Key.pk.S, from: ['REGISTERED'], attempt, set });
    } catch (error) {
      throw error instanceof RunnerStateChangedError ? conditionFailed() : error;
    }
    return {};
  }

  /** The rules of the bus, as they are deployed. */
  function deliver(event: BusEvent): void {
    const targets = deployedParts().rules.flatMap((rule) => (ruleTakes(rule, event) ? [rule.target] : []));
    if (targets.length === 0) invariants.fail('0 no mistake in the code', `no rule takes the event ${event.type}`);
    for (const target of targets) {
      if (target === 'bindRunner' || target === 'giveTurns') void invokeLater(target, usualAsync, event.detail);
      else workflows.start(target, event.detail);
    }
  }

  function decide({ plan, id }: SimulatedJob) {
    const projectPath = pathOf(plan.projectId);
    if (!isAllowed(projectPath).allowed) return { decision: 'IGNORE' } as const;
    const event = { ...refAndStage, jobId: id, projectId: plan.projectId, jobName: plan.name, projectPath } as never;
    return decideRunner(event, plan, { ...offer, mappings: settings.mappings });
  }
  const isOurs = (job: SimulatedJob): boolean => decide(job).decision === 'LAUNCH';
  function profilesOf(job: SimulatedJob): readonly string[] {
    const decision = decide(job);
    if (decision.decision === 'IGNORE') return [];
    const { profile, fallback } = decision.choice;
    return fallback ? [profile, fallback.profile] : [profile];
  }

  const goesWrong = schedule.faults.filter(
    (fault) => !isOnlyAsked(fault) && fault.kind !== 'gitlab-lagging' && fault.kind !== 'hook-lie',
  );
  const isCalm = goesWrong.length === 0;
  const trouble = troubleOf(schedule);
  const waitsAreShort = (isCalm || trouble.isAll) && !isCapped(settings);
  const plans = schedule.jobs.map((plan) => ({ plan, id: 0 }) as SimulatedJob);
  // Nor is a job started, before a person comes, that the long-lived runner of its profile does not take.
  const { longLived: brought } = settings;
  const neverStarts = (job: SimulatedJob) =>
    brought !== undefined && profilesOf(job).includes(brought.profile) && whyNeverTaken(brought, job.plan) !== null;
  const ofOthers = plans.filter((job) => !isOurs(job) || neverStarts(job)).length;
  const longestWaitSeconds =
    calmWaitSeconds +
    (trouble.isAll ? longestAfterTroubleSeconds : 0) +
    (settings.exact === 'off' ? 0 : Math.min(ofOthers, mostInTurn) * longestForOneOfOthersSeconds);
  const watched = {
    tables,
    gitlab,
    ec2,
    hosts: fleet.hosts,
    maxAttempts: settings.maxAttempts,
    retriedProfiles: settings.retriedProfiles ?? [],
    settings,
    now: time.now,
    isOrderly: goesWrong.every(({ kind }) => ['runners-limited', 'candidate-passed-over'].includes(kind)),
    onlyInterrupted: schedule.faults.every(({ kind }) => kind === 'spot-interrupted'),
    longestWaitSeconds: waitsAreShort ? longestWaitSeconds : Number.POSITIVE_INFINITY,
    troubleEndsAt: testStart + trouble.endsAt * 1_000,
    mostRefusals: trouble.mostRefusals,
    gitlabIsThere: trouble.isNone,
    outagesAreNoted: schedule.faults.every(({ kind }) => kind !== 'lambda-throttled'),
    mostFunctions: lambdaJobsAtOnce(settings.lambdaLimit ?? Number.POSITIVE_INFINITY) + 2,
    isOurs,
    isCalm,
    profilesOf,
  };
  return {
    time,
    faults,
    invariants,
    gitlab,
    tables,
    ec2,
    bus,
    repairs,
    placements,
    isOurs,
    /** Whether everything is over and nothing is under way any more. */
    isSettled: () =>
      invocationsUnderWay === 0 &&
      workflows.isIdle() &&
      bus.isEmpty() &&
      webhooks.isEmpty() &&
      queue.isEmpty() &&
      [...gitlab.jobs.values()].every((job) => isOver(job) || job.plan.pendingAt === null) &&
      ![...ec2.instances.values()].some(lives) &&
      gitlab.runnersOfJobs().length === 0 &&
      tables.tickets.size === 0 &&
      [...tables.counters.values()].every((count) => count === 0) &&
      ![...tables.items.values()].some(({ live }) => live) &&
      !fleet.hosts.some((host) => host.isAlive()),
  };
}

/** The limit of the account's functions: unknown, and so the smallest, until the reconciler has written it down. */
function knownLimit(unreserved: number) {
  let known = smallestLimit;
  return {
    ask: async () => unreserved,
    read: async () => known,
    async write(limit: number) {
      known = limit;
    },
  };
}
