import { randomUUID } from 'node:crypto';
import type { SQSBatchResponse } from 'aws-lambda';
import * as z from 'zod/mini';
import { deploymentTag } from '../../../infrastructure/lib/deployment-tag.ts';
import { jobKeyOf } from '../../../infrastructure/lib/job-key.ts';
import {
  type LambdaContext,
  lambdaHandler,
  readEnvironment,
} from '../../../infrastructure/lib/lambda-handler.client.ts';
import { type LaunchProfile, launchEnvironment } from '../../environment.ts';
import { createTables } from '../../live-tables.client.ts';
import type { LaunchGroup } from '../../runners/runner-item.ts';
import { type LaunchRequest, launchRequestSchema } from '../start-runner-input.ts';
import { launchGroupTag, profileTag } from './instance-tags.ts';
import { createInstances, type FleetRequest, type Instances, type Lifecycle } from './instances.client.ts';
import { NoCapacityError, PermanentLaunchError } from './launch-errors.ts';
import { beginGroup, giveInstance, type LaunchGroupPorts, leaveGroup } from './launch-groups.ts';
import { clientTokenOf, pairInstances, planLaunches, type SeenRequest } from './launch-plan.ts';
import { createLaunchQueue, type LaunchQueue } from './launch-queue.client.ts';

/** After so many tries for want of capacity (about a quarter of an hour) the attempt fails, visibly. */
export const mostReceives = 20;

export type LaunchInstancesPorts = LaunchGroupPorts & {
  readonly deployment: string;
  readonly instances: Instances;
  readonly queue: LaunchQueue;
  readonly profiles: Readonly<Record<string, LaunchProfile>>;
  readonly subnetIds: readonly string[];
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
 * Launches instances for the requests of one delivery: the requests of each profile together in one CreateFleet call. A group is written
 * down before the call, so that a message that comes again finishes its own group. What EC2 could not give goes back to the
 * queue, message by message; what it never will is reported as a failed runner.
 */
export async function launchInstances(
  { Records }: LaunchBatch,
  ports: LaunchInstancesPorts,
  context: LambdaContext,
): Promise<SQSBatchResponse> {
  const seen = await Promise.all(
    Records.map(async ({ messageId, body }): Promise<SeenRequest> => {
      const request = launchRequestSchema.parse(JSON.parse(body));
      return { messageId, request, item: await ports.store.read(jobKeyOf(request)) };
    }),
  );
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
  for (const [index, outcome] of outcomes.entries()) {
    if (outcome.status === 'rejected') await settleFailure(outcome.reason, groups[index]?.group, seen, ports, context);
  }
  return returnUnserved(Records, seen, ports);
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
      const item = request && (await ports.store.read(jobKeyOf(request)));
      if (item?.state !== 'REGISTERED' || item.attempt !== request?.attempt) return [];
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

async function launchGroup(
  profileName: string,
  group: LaunchGroup,
  ports: LaunchInstancesPorts,
  { log }: LambdaContext,
) {
  const profile = ports.profiles[profileName];
  if (!profile)
    throw new PermanentLaunchError(`The profile "${profileName}" was not deployed: deploy it, or change the mapping.`);
  const groupLog = log.with({ launchGroup: group.id, profile: profileName });
  const instanceIds: string[] = [];
  for (const lifecycle of lifecyclesOf(profile)) {
    const count = group.jobs.length - instanceIds.length;
    if (count === 0) break;
    const request: FleetRequest = {
      profile,
      subnetIds: ports.subnetIds,
      lifecycle,
      count,
      tags: { [deploymentTag]: ports.deployment, [launchGroupTag]: group.id, [profileTag]: profileName },
    };
    const answer = await ports.instances.launch(request, clientTokenOf(ports.deployment, group, lifecycle, request));
    groupLog.info('instances requested', { lifecycle, count, ...answer });
    instanceIds.push(...answer.instanceIds);
  }
  const { pairs, unserved, surplus } = pairInstances(group, instanceIds);
  const unneeded = [...surplus];
  for (const { job, instanceId } of pairs) {
    const outcome = await giveInstance(ports, group, job, instanceId);
    groupLog.info('instance given', { job, instanceId, outcome });
    if (outcome === 'refused') unneeded.push(instanceId);
  }
  if (unneeded.length > 0) await ports.instances.terminate(unneeded);
  for (const job of unserved) await leaveGroup(ports.store, group, job);
}

function lifecyclesOf({ onDemand }: LaunchProfile): Lifecycle[] {
  switch (onDemand) {
    case 'never':
      return ['spot'];
    case 'fallback':
      return ['spot', 'on-demand'];
    case 'always':
      return ['on-demand'];
  }
}

/** A failure that no repetition mends fails the group's jobs; after any other the messages come again. */
async function settleFailure(
  error: unknown,
  group: LaunchGroup | undefined,
  seen: readonly SeenRequest[],
  ports: LaunchInstancesPorts,
  { log }: LambdaContext,
): Promise<void> {
  log.error('launch failed', { error, launchGroup: group?.id });
  if (!(error instanceof PermanentLaunchError) || !group) return;
  const requests = seen
    .map(({ request }) => request)
    .filter((request: LaunchRequest) => group.jobs.includes(jobKeyOf(request)));
  await ports.queue.reportFailed(requests, error);
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
