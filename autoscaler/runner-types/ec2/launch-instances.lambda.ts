import { randomUUID } from 'node:crypto';
import type { SQSBatchResponse } from 'aws-lambda';
import * as z from 'zod/mini';
import { type JobKey, jobKeyOf } from '../../../infrastructure/kit/job-key.ts';
import {
  type LambdaContext,
  lambdaHandler,
  readEnvironment,
} from '../../../infrastructure/kit/lambda/lambda-handler.client.ts';
import { createTables } from '../../runner-store/live-tables.client.ts';
import type { LaunchGroup } from '../../runner-store/runner-item.ts';
import { jobTagsOf } from './instance-tags.ts';
import { createInstances } from './instances.client.ts';
import { launchEnvironment } from './launch-environment.ts';
import { LaunchThrottledError, PermanentLaunchError, TicketGoneError } from './launch-errors.ts';
import { dissolveGroup, type GroupOutcome, type LaunchGroupPorts, launchGroup } from './launch-group.ts';
import { beginGroup } from './launch-groups.ts';
import { mayHaveSurplus, planLaunches, type SeenRequest } from './launch-plan.ts';
import { createLaunchQueue, type LaunchQueue } from './launch-queue.client.ts';
import { type LaunchRequest, launchRequestSchema } from './launch-request.ts';
import { sourcesOf } from './launch-source.ts';
import { createTagQueue, type TagQueue } from './tag-queue.client.ts';

/** After so many tries (about a quarter of an hour) the attempt fails, visibly, for the reason that it met last. */
export const mostReceives = 20;

export type LaunchInstancesPorts = LaunchGroupPorts & {
  readonly queue: LaunchQueue;
  readonly tagging: TagQueue;
  readonly randomId: () => string;
};

/** What the queue hands over: at most ten messages. */
export const launchBatchSchema = z.object({
  Records: z.array(
    z.object({
      messageId: z.string(),
      receiptHandle: z.string(),
      body: z.string(),
      attributes: z.object({ ApproximateReceiveCount: z.string() }),
    }),
  ),
});
type LaunchBatch = z.infer<typeof launchBatchSchema>;

/**
 * Launches instances for the requests of one delivery: the requests of each profile together in one CreateFleet call. A
 * group is written down before the call, so that a message that comes again finishes its own group. What EC2 could not
 * give goes back to the queue, message by message; what it never will is reported as a failed runner.
 */
export async function launchInstances(
  { Records }: LaunchBatch,
  ports: LaunchInstancesPorts,
  context: LambdaContext,
): Promise<SQSBatchResponse> {
  const read = Records.map(async ({ messageId, body }): Promise<readonly SeenRequest[]> => {
    const request = readRequest(body);
    if (request) return [{ messageId, request, item: await ports.store.read(jobKeyOf(request)) }];
    context.log.error('a message of the launch queue cannot be read; it ends as a dead letter', { messageId });
    return [];
  });
  const seen = (await Promise.all(read)).flat();
  const plan = planLaunches(seen, { newGroupId: ports.randomId, sourceOf: ports.sourceOf, now: ports.now() });
  const groups = [...plan.begun];
  const open = await dissolveAll(plan.expired, ports, context);
  for (const fresh of plan.fresh) {
    const isFree = fresh.members.every(({ over }) => !over || !open.has(over.id));
    if (isFree && (await beginGroup(ports.store, fresh))) groups.push(fresh.group);
  }
  const launched = await Promise.all(groups.map((group) => finishGroup(group, ports, context)));
  const outcomes = [...launched, ...plan.undeployed.map(refusalOf)];
  const reported = await reportRefused(outcomes, seen, ports);
  const [answer] = await Promise.all([
    returnUnserved(Records, seen, { outcomes, reported }, ports),
    tagLater(outcomes, seen, ports, context),
  ]);
  return answer;
}

/** Returns the ids of the groups that could not be dissolved: the messages of their jobs come again. */
async function dissolveAll(expired: readonly LaunchGroup[], ports: LaunchGroupPorts, context: LambdaContext) {
  const outcomes = expired.map(async (group) => {
    const isDissolved = await dissolveGroup(group, ports, context).catch((error: unknown) => {
      context.log.error('a launch that was never finished could not be ended', { launchGroup: group.id, error });
      return false;
    });
    return isDissolved ? [] : [group.id];
  });
  return new Set((await Promise.all(outcomes)).flat());
}

function readRequest(body: string): LaunchRequest | null {
  try {
    return launchRequestSchema.parse(JSON.parse(body));
  } catch {
    return null;
  }
}

/** One group's trouble is no other group's: its messages come again, and finish it. */
async function finishGroup(group: LaunchGroup, ports: LaunchGroupPorts, context: LambdaContext): Promise<GroupOutcome> {
  try {
    return await launchGroup(group, ports, context);
  } catch (error) {
    context.log.error('launch failed', { launchGroup: group.id, error });
    const reason = error instanceof Error ? error : new Error(String(error));
    return { groupId: group.id, given: [], lost: [], unserved: group.jobs, reason, leftAlive: true };
  }
}

function refusalOf(request: LaunchRequest): GroupOutcome {
  const remedy = `The profile "${request.profile}" was not deployed: deploy it, or change the mapping.`;
  const reason = new PermanentLaunchError(remedy);
  return { groupId: null, given: [], lost: [], unserved: [jobKeyOf(request)], reason, leftAlive: false };
}

/**
 * Jobs that no repetition would serve: their attempts are abandoned, and their messages are done. Returns those jobs.
 */
async function reportRefused(
  outcomes: readonly GroupOutcome[],
  seen: readonly SeenRequest[],
  ports: LaunchInstancesPorts,
): Promise<ReadonlySet<JobKey>> {
  const reported = new Set<JobKey>();
  const report = async (jobs: readonly JobKey[], error: Error) => {
    const requests = seen.map(({ request }) => request).filter((request) => jobs.includes(jobKeyOf(request)));
    if (requests.length > 0) await ports.queue.reportFailed(requests, error);
    for (const request of requests) reported.add(jobKeyOf(request));
  };
  for (const { lost, unserved, reason } of outcomes) {
    if (reason instanceof PermanentLaunchError) await report(unserved, reason);
    await report(
      lost,
      new TicketGoneError('The token of its runner was gone before an instance was there to take it.'),
    );
  }
  return reported;
}

/**
 * Every message whose job has no instance yet goes back, to come again soon; the table knows, whatever happened above.
 */
async function returnUnserved(
  records: LaunchBatch['Records'],
  seen: readonly SeenRequest[],
  { outcomes, reported }: { readonly outcomes: readonly GroupOutcome[]; readonly reported: ReadonlySet<JobKey> },
  ports: LaunchInstancesPorts,
) {
  const failures = await Promise.all(
    records.map(async ({ messageId, receiptHandle, attributes }) => {
      const request = seen.find((one) => one.messageId === messageId)?.request;
      if (!request) return [{ itemIdentifier: messageId }];
      const job = jobKeyOf(request);
      const item = await ports.store.read(job);
      const waits = item?.state === 'REGISTERED' && item.attempt === request.attempt && !reported.has(job);
      const received = Number(attributes.ApproximateReceiveCount);
      if (received >= mostReceives) {
        if (waits) await ports.queue.reportFailed([request], lastReason(job, outcomes, received));
        return [];
      }
      const leftAlive = outcomes.some((one) => one.leftAlive && one.groupId === item?.launchGroup?.id);
      if (!waits && !(leftAlive && mayHaveSurplus(request, item))) return [];
      await ports.queue.comeBackSoon(receiptHandle, received);
      return [{ itemIdentifier: messageId }];
    }),
  );
  return { batchItemFailures: failures.flat() };
}
/** Why a job has no instance, as its last delivery met it. */
function lastReason(job: JobKey, outcomes: readonly GroupOutcome[], received: number) {
  const { name, message } =
    outcomes.find(({ unserved }) => unserved.includes(job))?.reason ??
    new LaunchThrottledError('Its launch could not be begun, since another job of the same launch changed meanwhile.');
  return { name, message: `After ${received} tries, the last one: ${message}` };
}

/**
 * Where one call launched for several jobs, each instance learns its own job afterwards. Without that, only a tag is
 * missing.
 */
async function tagLater(
  outcomes: readonly GroupOutcome[],
  seen: readonly SeenRequest[],
  { tagging }: LaunchInstancesPorts,
  { log }: LambdaContext,
) {
  const instances = outcomes
    .flatMap(({ given }) => (given.length > 1 ? given : []))
    .flatMap(({ job, instanceId }) => {
      const event = seen.find(({ item }) => item?.pk === job)?.item?.event;
      return event ? [{ instanceId, tags: jobTagsOf(event) }] : [];
    });
  if (instances.length === 0) return;
  await tagging
    .tagLater(instances)
    .catch((error: unknown) => log.warn('instances stay without tags of their jobs', { error }));
}

export const handler = lambdaHandler({
  input: launchBatchSchema,
  ports: () => {
    const { LAUNCH_PROFILES, RESOURCE_TAGS, SUBNET_IDS, LAUNCH_QUEUE_URL, TAG_QUEUE_URL, EVENT_BUS_ARN } =
      readEnvironment(launchEnvironment);
    return {
      ...createTables(),
      instances: createInstances(),
      queue: createLaunchQueue({ queueUrl: LAUNCH_QUEUE_URL, eventBusArn: EVENT_BUS_ARN }),
      tagging: createTagQueue(TAG_QUEUE_URL),
      sourceOf: sourcesOf(LAUNCH_PROFILES, SUBNET_IDS.split(','), RESOURCE_TAGS),
      randomId: randomUUID,
    };
  },
  work: launchInstances,
});
