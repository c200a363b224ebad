import { randomUUID } from 'node:crypto';
import type { SQSBatchResponse } from 'aws-lambda';
import * as z from 'zod/mini';
import { jobKeyOf } from '../../../infrastructure/lib/job-key.ts';
import {
  type LambdaContext,
  lambdaHandler,
  readEnvironment,
} from '../../../infrastructure/lib/lambda-handler.client.ts';
import { launchEnvironment } from '../../environment.ts';
import { createTables } from '../../live-tables.client.ts';
import type { LaunchGroup } from '../../runners/runner-item.ts';
import { type LaunchRequest, launchRequestSchema } from '../start-runner-input.ts';
import { createInstances } from './instances.client.ts';
import { NoCapacityError } from './launch-errors.ts';
import { type GroupOutcome, type LaunchGroupPorts, launchGroup } from './launch-group.ts';
import { beginGroup } from './launch-groups.ts';
import { planLaunches, type SeenRequest } from './launch-plan.ts';
import { createLaunchQueue, type LaunchQueue } from './launch-queue.client.ts';

/** After so many tries for want of capacity (about a quarter of an hour) the attempt fails, visibly. */
export const mostReceives = 20;

export type LaunchInstancesPorts = LaunchGroupPorts & { readonly queue: LaunchQueue; readonly randomId: () => string };

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
 * Launches instances for the requests of one delivery: the requests of each profile together in one CreateFleet call. A group is written
 * down before the call, so that a message that comes again finishes its own group. What EC2 could not give goes back to the
 * queue, message by message; what it never will is reported as a failed runner.
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
  const plan = planLaunches(seen, ports.randomId);
  const groups: { profile: string; group: LaunchGroup }[] = plan.begun.map((group) => ({
    profile: seen.find(({ item }) => item?.launchGroup?.id === group.id)?.request.profile ?? '',
    group,
  }));
  for (const { profile, group, attempts } of plan.fresh) {
    if (await beginGroup(ports.store, group, attempts)) groups.push({ profile, group });
  }
  const outcomes = await Promise.allSettled(
    groups.map(({ profile, group }) => launchGroup(profile, group, ports, context)),
  );
  for (const outcome of outcomes) {
    // Its messages come again, and finish the group.
    if (outcome.status === 'rejected') context.log.error('launch failed', { error: outcome.reason });
    else await reportRefused(outcome.value, seen, ports);
  }
  return returnUnserved(Records, seen, ports);
}

function readRequest(body: string): LaunchRequest | null {
  try {
    return launchRequestSchema.parse(JSON.parse(body));
  } catch {
    return null;
  }
}

/** Jobs that no repetition would serve: their attempts are abandoned. */
async function reportRefused(
  { refused, error }: GroupOutcome,
  seen: readonly SeenRequest[],
  ports: LaunchInstancesPorts,
) {
  const requests = seen.map(({ request }) => request).filter((request) => refused.includes(jobKeyOf(request)));
  if (error && requests.length > 0) await ports.queue.reportFailed(requests, error);
}

/** Every message whose job has no instance yet goes back, to come again soon; the table knows, whatever happened above. */
async function returnUnserved(
  records: LaunchBatch['Records'],
  seen: readonly SeenRequest[],
  ports: LaunchInstancesPorts,
) {
  const failures = await Promise.all(
    records.map(async ({ messageId, receiptHandle, attributes }) => {
      const request = seen.find((one) => one.messageId === messageId)?.request;
      if (!request) return [{ itemIdentifier: messageId }];
      const item = await ports.store.read(jobKeyOf(request));
      if (item?.state !== 'REGISTERED' || item.attempt !== request.attempt) return [];
      const received = Number(attributes.ApproximateReceiveCount);
      if (received >= mostReceives) {
        const tried = `no capacity in ${received} tries for the profile "${request.profile}"`;
        await ports.queue.reportFailed(
          [request],
          new NoCapacityError(`${tried}: add instance types, subnets or on-demand capacity`),
        );
        return [];
      }
      await ports.queue.comeBackSoon(receiptHandle, received);
      return [{ itemIdentifier: messageId }];
    }),
  );
  return { batchItemFailures: failures.flat() };
}

export const handler = lambdaHandler({
  input: launchBatchSchema,
  ports: () => {
    const { LAUNCH_PROFILES, SUBNET_IDS, LAUNCH_QUEUE_URL, EVENT_BUS_ARN } = readEnvironment(launchEnvironment);
    return {
      ...createTables(),
      instances: createInstances(),
      queue: createLaunchQueue({ queueUrl: LAUNCH_QUEUE_URL, eventBusArn: EVENT_BUS_ARN }),
      profiles: LAUNCH_PROFILES,
      subnetIds: SUBNET_IDS.split(','),
      randomId: randomUUID,
    };
  },
  work: launchInstances,
});
