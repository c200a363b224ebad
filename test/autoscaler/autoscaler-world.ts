import * as z from 'zod/mini';
import { bindRunner } from '../../autoscaler/bind-runner/bind-runner.lambda.ts';
import { findPlace } from '../../autoscaler/bind-runner/find-place.ts';
import type { Offer } from '../../autoscaler/demand/choose-runner.ts';
import { mendJobInput } from '../../autoscaler/end-runner/mend-job-input.ts';
import { runnerToStopSchema } from '../../autoscaler/end-runner/stop-runner-input.ts';
import {
  findInterruptedRunner,
  interruptRunnerInput,
} from '../../autoscaler/interrupt-runner/find-interrupted-runner.lambda.ts';
import { mendJob } from '../../autoscaler/interrupt-runner/mend-job.lambda.ts';
import type { JobMapping } from '../../autoscaler/job-mappings/job-mapping.ts';
import type { RunnerItem } from '../../autoscaler/runner-store/runner-item.ts';
import { RunnerStateChangedError } from '../../autoscaler/runner-store/runners-store.ts';
import { launchInstances } from '../../autoscaler/runner-types/ec2/launch-instances.lambda.ts';
import { launchRequestSchema } from '../../autoscaler/runner-types/ec2/launch-request.ts';
import { sourcesOf } from '../../autoscaler/runner-types/ec2/launch-source.ts';
import { invokeIsolatedRunner } from '../../autoscaler/runner-types/lambda/invoke-isolated-runner.lambda.ts';
import { invokeIsolatedRunnerInput } from '../../autoscaler/runner-types/lambda/invoke-isolated-runner-input.ts';
import { abandonRunner } from '../../autoscaler/start-runner/abandon-runner.lambda.ts';
import { admitJob } from '../../autoscaler/start-runner/admit-job.lambda.ts';
import { chooseRunner } from '../../autoscaler/start-runner/choose-runner.lambda.ts';
import { registerRunner } from '../../autoscaler/start-runner/register-runner.lambda.ts';
import {
  abandonRunnerInput,
  admitJobInput,
  registerRunnerInput,
} from '../../autoscaler/start-runner/start-runner-input.ts';
import { drainRunner } from '../../autoscaler/stop-runner/drain-runner.lambda.ts';
import { findRunner } from '../../autoscaler/stop-runner/find-runner.lambda.ts';
import { releaseRunner } from '../../autoscaler/stop-runner/release-runner.lambda.ts';
import { terminateInstance } from '../../autoscaler/stop-runner/terminate-instance.lambda.ts';
import { unregisterRunner } from '../../autoscaler/stop-runner/unregister-runner.lambda.ts';
import type { NamedJob } from '../../infrastructure/gitlab/gitlab-listings.ts';
import { type JobEvent, jobEventSchema } from '../../infrastructure/kit/job-event.ts';
import { type JobKey, jobKeyOf } from '../../infrastructure/kit/job-key.ts';
import { InvalidInputError, type LambdaContext } from '../../infrastructure/kit/lambda/lambda-handler.client.ts';
import { lambdaRunnerPayloadSchema } from '../../infrastructure/kit/runner-ticket.ts';
import { finishedJob, jobMapping, nameOf, pendingJob, runningJob, testStart } from '../support/builders.ts';
import { inMemoryGitLab } from '../support/in-memory-gitlab.ts';
import { inMemoryInstances } from '../support/in-memory-instances.ts';
import { inMemoryLaunchQueue } from '../support/in-memory-launch-queue.ts';
import { inMemoryLongLivedRunners } from '../support/in-memory-long-lived-runners.ts';
import { inMemoryOutageMark } from '../support/in-memory-outage-mark.ts';
import { inMemoryReconcileStore } from '../support/in-memory-reconcile-store.ts';
import { inMemoryRetryMarks } from '../support/in-memory-retry-marks.ts';
import { inMemoryRunnersStore } from '../support/in-memory-runners-store.ts';
import { lambdaContext } from '../support/lambda-context.ts';
import { runStateMachine } from '../support/state-machine.ts';
import { StateError } from '../support/state-machine-errors.ts';
import type { Json, StateMachineDefinition } from '../support/state-machine-language.ts';
import { routeTasks, type TaskRunner } from '../support/state-machine-tasks.ts';
import { launchProfile } from './runner-types/ec2/launch-world.ts';

export const shellFunctionArn = 'arn:aws:lambda:eu-central-1:123456789012:function:shell-runner';

export type WorldOptions = {
  readonly mappings?: readonly JobMapping[];
  readonly offer?: Partial<Offer>;
  readonly maxAttempts?: number;
  /** Profiles whose jobs are retried when a spot interruption ended them. */
  readonly retriedProfiles?: readonly string[];
  /** Profiles whose jobs are retried when they failed on a runner of another one. */
  readonly misplacedRetriedProfiles?: readonly string[];
};

/** What happens to the task of a state. */
export type Trouble = {
  /** What it throws, at its first `times` calls (at all of them when absent). */
  readonly error?: Error;
  readonly times?: number;
  /** It throws when its work is done: only its answer is lost. */
  readonly afterwards?: boolean;
  /** What else happens just before its first call. */
  readonly meanwhile?: () => unknown;
};

/**
 * The autoscaler with everything around it in memory; its workflows run from their definitions over the real Lambda
 * functions.
 */
export function autoscalerWorld({
  mappings = [jobMapping()],
  offer = {},
  maxAttempts = 3,
  retriedProfiles = [],
  misplacedRetriedProfiles = [],
}: WorldOptions = {}) {
  const gitlab = inMemoryGitLab();
  const store = inMemoryRunnersStore();
  const marks = inMemoryRetryMarks();
  const instances = inMemoryInstances();
  const memory = inMemoryReconcileStore(store);
  const queue = inMemoryLaunchQueue();
  const context = lambdaContext();
  const clock = { milliseconds: testStart };
  const events: { readonly type: string; readonly detail: Json }[] = [];
  const invocations: z.output<typeof lambdaRunnerPayloadSchema>[] = [];
  /** Of those invocations that were made for one. */
  const tenants: string[] = [];
  const bus = { tell: async (type: string, detail: Json) => void events.push({ type, detail }) };
  const said: Json[] = [];
  let ids = 0;

  const now = () => clock.milliseconds;
  const randomId = () => {
    ids += 1;
    return `random-${ids}`;
  };
  const longLived = inMemoryLongLivedRunners(gitlab, (instanceId) => !instances.running.has(instanceId));
  const outages = inMemoryOutageMark();
  const stateReasons = new Map<string, string>();
  const stateReasonOf = async (instanceId: string) => stateReasons.get(instanceId) ?? null;
  const given = { store, gitlab, instances, stateReasonOf, longLived, outages, bus, now };
  const allOffered = {
    profiles: {
      default: { type: 'EC2', timeoutMinutes: 60 },
      shell: { type: 'LAMBDA', timeoutMinutes: 13, functionArn: shellFunctionArn },
    },
    defaultRunner: { type: 'IGNORE' },
    ...offer,
  } as const;
  const choosing = {
    gitlab,
    store,
    bus,
    now,
    isAllowed: () => ({ allowed: true }) as const,
    projects: memory,
    mappings: { read: async () => ({ mappings, invalid: [] }) },
    offer: allOffered,
  };

  const place = (event: JobEvent, job: NamedJob, runner: RunnerItem) => findPlace(event, job, runner, choosing);

  /** By the Lambda's logical id in the template. */
  const lambdas = {
    Functionschooserunner: lambda(jobEventSchema, choosing, chooseRunner, context),
    Functionsadmitjob: lambda(
      admitJobInput,
      { store, projects: memory, bus, maxAttempts, marks, now },
      admitJob,
      context,
    ),
    Functionsregisterrunner: lambda(
      registerRunnerInput,
      { ...given, deployment: 'ci', randomId },
      registerRunner,
      context,
    ),
    Functionsinvokeisolatedrunner: lambda(
      invokeIsolatedRunnerInput,
      {
        invoke: async (_arn: string, tenantId: string, payload: z.output<typeof lambdaRunnerPayloadSchema>) => {
          invocations.push(payload);
          tenants.push(tenantId);
        },
      },
      invokeIsolatedRunner,
      context,
    ),
    Functionsabandonrunner: lambda(
      abandonRunnerInput,
      { ...given, maxAttempts, random: () => 0.5 },
      abandonRunner,
      context,
    ),
    Functionsfindrunner: lambda(jobEventSchema, { ...given, jobs: gitlab }, findRunner, context),
    Functionsdrainrunner: lambda(runnerToStopSchema, given, drainRunner, context),
    Functionsunregisterrunner: lambda(runnerToStopSchema, given, unregisterRunner, context),
    Functionsterminateinstance: lambda(runnerToStopSchema, given, terminateInstance, context),
    Functionsreleaserunner: lambda(runnerToStopSchema, given, releaseRunner, context),
    Functionsfindinterruptedrunner: lambda(interruptRunnerInput, given, findInterruptedRunner, context),
    Functionsmendjob: lambda(
      mendJobInput,
      { store, gitlab, marks, retriedProfiles, misplacedRetriedProfiles },
      mendJob,
      context,
    ),
    'function:shell-runner': async (payload: never) => {
      invocations.push(z.parse(lambdaRunnerPayloadSchema, payload));
    },
  };
  const services = {
    'sqs:sendMessage': async ({ MessageBody }: { MessageBody: string }) => {
      queue.send(z.parse(launchRequestSchema, JSON.parse(MessageBody)));
      return { MessageId: `message-${queue.messages.size}` };
    },
    'events:putEvents': async ({ Entries }: { Entries: { DetailType: string; Detail: Json }[] }) => {
      events.push(...Entries.map(({ DetailType, Detail }) => ({ type: DetailType, detail: Detail })));
      return { FailedEntryCount: 0, Entries: Entries.map((_, index) => ({ EventId: String(index) })) };
    },
    'dynamodb:updateItem': noteLaunch,
  };

  /** What the state NoteLaunch asks of DynamoDB; its expressions are checked where the definitions are. */
  async function noteLaunch(input: {
    Key: { pk: { S: JobKey } };
    ExpressionAttributeValues: Record<string, { S?: string; N?: string }>;
  }) {
    const attempt = Number(input.ExpressionAttributeValues[':attempt']?.N);
    const launchedAt = String(input.ExpressionAttributeValues[':now']?.S);
    const set = { state: 'LAUNCHED', launchedAt } as const;
    try {
      await store.write({ kind: 'update', job: input.Key.pk.S, from: ['REGISTERED'], attempt, set });
    } catch (error) {
      if (!(error instanceof RunnerStateChangedError)) throw error;
      throw new StateError('DynamoDB.ConditionalCheckFailedException', 'The conditional request failed');
    }
    return {};
  }

  const routed = routeTasks({ lambdas, services });
  /** Runs a workflow. `troubles` go wrong by the state's name. */
  async function run(
    definition: StateMachineDefinition,
    input: Json,
    troubles: Readonly<Record<string, Trouble>> = {},
    executionName = 'execution',
  ) {
    const calls = new Map<string, number>();
    const tasks: TaskRunner = async (resource, taskInput, task) => {
      said.push(taskInput);
      const { error, times = Number.POSITIVE_INFINITY, afterwards = false, meanwhile } = troubles[task.state] ?? {};
      const call = (calls.get(task.state) ?? 0) + 1;
      calls.set(task.state, call);
      if (call === 1) await meanwhile?.();
      const fails = error !== undefined && call <= times;
      if (fails && !afterwards) throw error;
      const result = await routed(resource, taskInput, task).catch((thrown: Error) => {
        said.push(thrown.message);
        throw thrown;
      });
      said.push((result ?? null) as Json);
      if (fails) throw error;
      return result;
    };
    const execution = await runStateMachine(definition, input, tasks, { executionName });
    said.push(execution.output ?? null, execution.cause ?? null);
    return execution;
  }

  return {
    gitlab,
    longLived,
    store,
    memory,
    marks,
    instances,
    /** By instance: why EC2 says that it ended. */
    stateReasons,
    queue,
    events,
    invocations,
    tenants,
    context,
    clock,
    run,
    /** Everything that went into and came out of a workflow's tasks. */
    said,
    item: (jobId: number) => store.items.get(jobKeyOf({ projectId: 7, jobId })),
    /** A job of GitLab that waits, and its event. */
    pend(jobId: number, tags: readonly string[] = []): JobEvent {
      gitlab.setJob({ id: jobId, tags, status: 'pending' });
      return pendingJob({ jobId });
    },
    /** Lets a runner ask GitLab for a job, and tells the autoscaler what it got. */
    async pickUp(runnerId: number): Promise<number | null> {
      const jobId = gitlab.giveJobTo(runnerId);
      if (jobId !== null)
        await bindRunner(runningJob({ jobId, runnerId }), { store, bus, jobs: gitlab, findPlace: place, now }, context);
      return jobId;
    },
    /** The same for an instance that works for a long-lived runner. */
    async pickUpOn(instanceId: string, runnerId: number): Promise<number | null> {
      const jobId = longLived.giveJobTo(runnerId, instanceId);
      if (jobId !== null)
        await bindRunner(
          runningJob({ jobId, runnerId }),
          { store, gitlab, bus, jobs: gitlab, findPlace: place, now },
          context,
        );
      return jobId;
    },
    /** Lets an instance claim its ticket, as its boot script does: what it gets. */
    claim(instanceId: string) {
      const ticket = store.tickets.get(nameOf(instanceId));
      store.tickets.delete(nameOf(instanceId));
      return ticket;
    },
    /** Ends a job in GitLab, and gives its event. */
    finish(jobId: number, status = 'success'): JobEvent {
      const runnerId = gitlab.jobs.get(jobId)?.runnerId ?? null;
      gitlab.setJob({ id: jobId, status });
      return finishedJob({ jobId, status, runnerId });
    },
    /** Delivers what is on the launch queue. */
    async launch() {
      const batch = queue.receive();
      const sourceOf = sourcesOf({ default: launchProfile(), shared: launchProfile() }, ['subnet-1']);
      const tagging = { tagLater: async () => {} };
      const ports = { store, instances, queue, tagging, sourceOf, deployment: 'ci', now, randomId };
      queue.settle(batch, await launchInstances(batch, ports, context));
    },
    /** What is left of runners: nothing, when all is over. */
    leftovers: () => ({
      runners: [...gitlab.runners.keys()],
      instances: [...instances.running.keys()],
      tickets: [...store.tickets.keys()],
      places: [...store.counters].filter(([, count]) => count !== 0),
    }),
  };
}

/** A Lambda as the workflow sees it: its input is checked as its handler would. */
function lambda<Schema extends z.ZodMiniType, Ports>(
  schema: Schema,
  ports: Ports,
  work: (input: z.output<Schema>, ports: Ports, context: LambdaContext) => Promise<unknown>,
  context: LambdaContext,
) {
  return async (payload: never) => {
    const parsed = z.safeParse(schema, payload);
    if (!parsed.success) throw new InvalidInputError(JSON.stringify(parsed.error.issues));
    return work(parsed.data, ports, context);
  };
}
