import { CreateFleetCommand, type EC2Client, EC2ServiceException } from '@aws-sdk/client-ec2';
import type { RunnersStore } from '../../../../autoscaler/runner-store/runners-store.ts';
import { createInstances } from '../../../../autoscaler/runner-types/ec2/instances.client.ts';
import {
  type LaunchInstancesPorts,
  launchInstances,
} from '../../../../autoscaler/runner-types/ec2/launch-instances.lambda.ts';
import { secondsToComeBack } from '../../../../autoscaler/runner-types/ec2/launch-queue.client.ts';
import type { LaunchRequest } from '../../../../autoscaler/runner-types/ec2/launch-request.ts';
import { sourcesOf } from '../../../../autoscaler/runner-types/ec2/launch-source.ts';
import { runnerItem, testStart } from '../../../support/builders.ts';
import { inMemoryRunnersStore } from '../../../support/in-memory-runners-store.ts';
import { lambdaContext } from '../../../support/lambda-context.ts';
import { seededRandom, type VirtualClock, virtualClock } from '../../../support/virtual-clock.ts';
import { launchProfile } from './launch-world.ts';

export type Burst = {
  readonly jobs: number;
  /** Messages that the consumer takes at most; 1: a call for each job. */
  readonly batchSize: number;
  /** As the event source of the launch queue is deployed. */
  readonly consumers: number;
  /** From the first job's message to the last one's. */
  readonly arrivalSeconds: number;
  /** SQS may hand over fewer messages than it has: a random number up to the batch size. */
  readonly partialBatches?: boolean;
  readonly seed: number;
};

/** EC2's throttle for launches. Source: https://docs.aws.amazon.com/ec2/latest/devguide/ec2-api-throttling.html */
export const throttle = { bucket: 5, refillPerSecond: 2 };

/** Seconds that things take, from what is published about CreateFleet, DynamoDB and cold starts. */
const takes = { coldStart: 1.5, fleet: [1.2, 2.5], refusal: 0.1, read: 0.008, transaction: 0.02, poll: 0.05 } as const;
const visibilitySeconds = 90;

/**
 * A burst of jobs in virtual time: the real launcher with its real client of EC2 and its real waits, over a queue,
 * tables and an EC2 that throttles, all of which exist in memory.
 */
export async function simulateBurst(burst: Burst) {
  const clock = virtualClock();
  const random = seededRandom(burst.seed);
  const store = inMemoryRunnersStore();
  const ec2 = throttledEc2(clock, random);
  const queue = burstQueue(burst, clock, random, store);
  const context = lambdaContext();
  const backoff = { now: clock.now, sleep: clock.sleep, random };
  let ids = 0;
  const ports: LaunchInstancesPorts = {
    deployment: 'ci',
    store: slowly(store, clock),
    instances: createInstances(ec2.client, backoff),
    queue,
    tagging: { tagLater: () => clock.sleep(takes.transaction * 1_000) },
    sourceOf: sourcesOf({ default: launchProfile() }, ['subnet-1', 'subnet-2', 'subnet-3']),
    now: () => testStart + clock.now(),
    randomId: () => {
      ids += 1;
      return `group-${ids}`;
    },
  };

  async function consume() {
    await clock.sleep(takes.coldStart * 1_000);
    while (!queue.isDone()) {
      const batch = queue.receive();
      if (batch.Records.length === 0) {
        await clock.sleep(takes.poll * 1_000);
        continue;
      }
      const answer = await launchInstances(batch, ports, context);
      queue.settle(batch, answer);
    }
  }
  await clock.run(Promise.all(Array.from({ length: burst.consumers }, consume)));
  const given = [...store.items.values()].flatMap(({ instanceId }) => (instanceId ? [instanceId] : []));
  return {
    /** When EC2 took the request for the last instance: virtual seconds after the first job's message. */
    lastRequestedSeconds: Math.max(...ec2.requestedAt) / 1_000,
    lastGivenSeconds: queue.lastSettled() / 1_000,
    calls: ec2.requestedAt.length,
    refusals: ec2.refusals(),
    instances: ec2.launched(),
    served: new Set(given).size,
    failed: queue.failed.length,
  };
}

/** EC2 that launches all that it is asked for, but only as often as its throttle allows. */
function throttledEc2(clock: VirtualClock, random: () => number) {
  const requestedAt: number[] = [];
  const answers = new Map<string, readonly string[]>();
  let tokens = throttle.bucket;
  let filledAt = 0;
  let refusals = 0;
  let launched = 0;
  async function send(command: unknown) {
    if (!(command instanceof CreateFleetCommand)) throw new Error('the burst asks for nothing but fleets');
    const { ClientToken = '', TargetCapacitySpecification } = command.input;
    tokens = Math.min(throttle.bucket, tokens + ((clock.now() - filledAt) / 1_000) * throttle.refillPerSecond);
    filledAt = clock.now();
    if (tokens < 1) {
      refusals += 1;
      await clock.sleep(takes.refusal * 1_000);
      const about = { $fault: 'client', $metadata: {}, message: 'Request limit exceeded.' } as const;
      throw new EC2ServiceException({ name: 'RequestLimitExceeded', ...about });
    }
    tokens -= 1;
    requestedAt.push(clock.now());
    const [least, most] = takes.fleet;
    await clock.sleep((least + random() * (most - least)) * 1_000);
    const count = TargetCapacitySpecification?.TotalTargetCapacity ?? 0;
    const known = answers.get(ClientToken);
    const instanceIds = known ?? Array.from({ length: count }, (_, index) => `i-${launched + index}`);
    if (!known) launched += count;
    answers.set(ClientToken, instanceIds);
    return { Instances: [{ InstanceIds: [...instanceIds] }], Errors: [] };
  }
  const client = { send } as unknown as Pick<EC2Client, 'send'>;
  return { client, requestedAt, refusals: () => refusals, launched: () => launched };
}

/** The tables, each of whose calls takes its time. */
function slowly(store: RunnersStore, { sleep }: VirtualClock): RunnersStore {
  return {
    ...store,
    read: (job) => sleep(takes.read * 1_000).then(() => store.read(job)),
    readTicket: (id) => sleep(takes.read * 1_000).then(() => store.readTicket(id)),
    write: (...parts) => sleep(takes.transaction * 1_000).then(() => store.write(...parts)),
  };
}

/**
 * SQS: messages that arrive over some seconds, are invisible while somebody works on them, and come back when they
 * failed.
 */
function burstQueue(
  { jobs, batchSize, arrivalSeconds, partialBatches = false }: Burst,
  clock: VirtualClock,
  random: () => number,
  store: ReturnType<typeof inMemoryRunnersStore>,
) {
  type Message = { readonly messageId: string; readonly body: string; visibleAt: number; receives: number };
  const messages = new Map<string, Message>();
  const failed: LaunchRequest[] = [];
  let lastSettled = 0;
  for (let jobId = 1; jobId <= jobs; jobId += 1) {
    const item = runnerItem({ jobId, state: 'REGISTERED', runnerId: jobId });
    store.items.set(item.pk, item);
    store.tickets.set(item.pk, { id: item.pk, token: 'glrt-fake-token', job: item.pk, expiresAt: 0 });
    const body = JSON.stringify({ projectId: 7, jobId, attempt: 1, profile: 'default' });
    const visibleAt = ((jobId - 1) / Math.max(1, jobs - 1)) * arrivalSeconds * 1_000;
    messages.set(`m-${jobId}`, { messageId: `m-${jobId}`, body, visibleAt, receives: 0 });
  }
  return {
    failed,
    lastSettled: () => lastSettled,
    isDone: () => messages.size === 0,
    receive() {
      const most = partialBatches ? 1 + Math.floor(random() * batchSize) : batchSize;
      const visible = [...messages.values()].filter(({ visibleAt }) => visibleAt <= clock.now()).slice(0, most);
      for (const message of visible) {
        message.receives += 1;
        message.visibleAt = clock.now() + visibilitySeconds * 1_000;
      }
      const Records = visible.map(({ messageId, body, receives }) => ({
        messageId,
        receiptHandle: messageId,
        body,
        attributes: { ApproximateReceiveCount: String(receives) },
      }));
      return { Records };
    },
    settle(
      { Records }: { readonly Records: readonly { readonly messageId: string }[] },
      { batchItemFailures }: { readonly batchItemFailures: readonly { readonly itemIdentifier: string }[] },
    ) {
      const back = new Set(batchItemFailures.map(({ itemIdentifier }) => itemIdentifier));
      for (const { messageId } of Records) if (!back.has(messageId)) messages.delete(messageId);
      lastSettled = clock.now();
    },
    async comeBackSoon(messageId: string, receives: number) {
      const message = messages.get(messageId);
      if (message) message.visibleAt = clock.now() + secondsToComeBack(receives, random()) * 1_000;
    },
    async reportFailed(requests: readonly LaunchRequest[]) {
      failed.push(...requests);
    },
  };
}
