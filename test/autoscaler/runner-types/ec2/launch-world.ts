import type { LaunchSource, RunnerItem } from '../../../../autoscaler/runner-store/runner-item.ts';
import type { Lifecycle } from '../../../../autoscaler/runner-types/ec2/fleet.ts';
import type { LaunchProfile } from '../../../../autoscaler/runner-types/ec2/launch-environment.ts';
import {
  type LaunchInstancesPorts,
  launchInstances,
} from '../../../../autoscaler/runner-types/ec2/launch-instances.lambda.ts';
import { sourcesOf } from '../../../../autoscaler/runner-types/ec2/launch-source.ts';
import type { InstanceTags } from '../../../../autoscaler/runner-types/ec2/tag-instances-input.ts';
import type { JobKey } from '../../../../infrastructure/kit/job-key.ts';
import { hostRoleId, nameOf, runnerItem, testStart } from '../../../support/builders.ts';
import { tokenWord } from '../../../support/in-memory-gitlab.ts';
import { inMemoryInstances } from '../../../support/in-memory-instances.ts';
import { inMemoryLaunchQueue } from '../../../support/in-memory-launch-queue.ts';
import { inMemoryRunnersStore } from '../../../support/in-memory-runners-store.ts';
import { lambdaContext } from '../../../support/lambda-context.ts';

export type LaunchWorldOptions = {
  readonly capacity?: Partial<Record<Lifecycle, number>>;
  readonly onDemand?: LaunchProfile['onDemand'];
  readonly receivesBefore?: number;
};

export function launchProfile(changes: Partial<LaunchProfile> = {}): LaunchProfile {
  return {
    launchTemplateId: 'lt-1',
    launchTemplateVersion: '3',
    hostRoleId,
    instanceTypes: ['m7a.large', 'm7i.large'],
    onDemand: 'fallback',
    ...changes,
  };
}

export const networkSubnets = ['subnet-1', 'subnet-2'];

/** What is launched from a profile in the network's subnets. */
export function launchSource(changes: Partial<LaunchSource> = {}): LaunchSource {
  return { ...launchProfile(), subnetIds: networkSubnets, ...changes };
}

/** The launch queue with its consumer, over tables and an EC2 in memory. */
export function launchWorld({ capacity = {}, onDemand = 'fallback', receivesBefore = 0 }: LaunchWorldOptions = {}) {
  const store = inMemoryRunnersStore();
  const instances = inMemoryInstances(capacity);
  const queue = inMemoryLaunchQueue(receivesBefore);
  const context = lambdaContext();
  const clock = { milliseconds: testStart };
  const tagsForLater: InstanceTags[] = [];
  let groups = 0;
  const ports: LaunchInstancesPorts = {
    deployment: 'ci',
    store,
    instances,
    queue,
    tagging: {
      async tagLater(given) {
        tagsForLater.push(...given);
      },
    },
    sourceOf: sourcesOf(
      { default: launchProfile({ onDemand }), large: launchProfile({ onDemand, launchTemplateId: 'lt-2' }) },
      networkSubnets,
    ),
    now: () => clock.milliseconds,
    randomId: () => {
      groups += 1;
      return `group-${groups}`;
    },
  };
  const world = {
    store,
    instances,
    queue,
    ports,
    context,
    clock,
    /** What instances are to be tagged with, once there is time for it. */
    tagsForLater,
    /** Jobs whose runners are registered, each with its ticket and its message. */
    request(jobIds: readonly number[], profile = 'default', changes: Partial<RunnerItem> = {}) {
      for (const jobId of jobIds) {
        const item = runnerItem({ jobId, state: 'REGISTERED', profile, runnerId: 500 + jobId, ...changes });
        store.items.set(item.pk, item);
        const token = `glrt-fake-${tokenWord}-${jobId}`;
        store.tickets.set(item.pk, { id: item.pk, token, job: item.pk, expiresAt: testStart / 1_000 + 60 });
        queue.send({ projectId: 7, jobId, attempt: item.attempt, profile });
      }
    },
    /** One delivery of all that waits in the queue (ten at most), with its answer obeyed. */
    async deliver(using: Partial<LaunchInstancesPorts> = {}) {
      const batch = queue.receive();
      const answer = await launchInstances(batch, { ...ports, ...using }, context);
      queue.settle(batch, answer);
      return answer.batchItemFailures.map(({ itemIdentifier }) => itemIdentifier);
    },
    item: (jobId: number) => store.items.get(`job#7#${jobId}`),
    /** Which instance is whose, as the tables say. */
    given(): Record<string, string | undefined> {
      const launched = [...store.items.values()].filter(({ state }) => state === 'LAUNCHED');
      return Object.fromEntries(launched.map(({ pk, instanceId }) => [pk, instanceId]));
    },
    /** Says of every job with an instance that the instance lives and is its own, and that its ticket waits there. */
    faults(): string[] {
      const items = [...store.items.values()].filter(({ state }) => state === 'LAUNCHED');
      const ids = items.map(({ instanceId }) => instanceId ?? 'none');
      return [
        ...ids.filter((id, index) => ids.indexOf(id) !== index).map((id) => `${id} has two jobs`),
        ...ids.filter((id) => !instances.running.has(id)).map((id) => `${id} does not live`),
        ...items.filter((item) => !holdsTicket(item)).map(({ pk }) => `${pk} has no ticket for its instance`),
        ...[...instances.running.keys()].filter((id) => !ids.includes(id)).map((id) => `${id} has no job`),
        ...[...store.tickets.values()].filter(({ id, job }) => !isAt(id, job)).map(({ id }) => `${id}: stray ticket`),
      ];
    },
  };
  const holdsTicket = ({ pk, instanceId }: RunnerItem) => store.tickets.get(nameOf(instanceId))?.job === pk;
  /** A ticket is under its job until the job has an instance, then under the name of this. */
  const isAt = (id: string, job: JobKey) => {
    const { instanceId } = store.items.get(job) ?? {};
    return id === (instanceId === undefined ? job : nameOf(instanceId));
  };
  return world;
}
