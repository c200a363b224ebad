import { setTimeout as sleep } from 'node:timers/promises';
import {
  CloudWatchLogsClient,
  paginateDescribeLogGroups,
  paginateFilterLogEvents,
} from '@aws-sdk/client-cloudwatch-logs';
import { DeleteParameterCommand, PutParameterCommand, SSMClient } from '@aws-sdk/client-ssm';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { attemptsUsed } from '../../../autoscaler/runner-store/runner-item.ts';
import type { JobView } from '../../../helper-scripts/local-gitlab/job-view.ts';
import type { World } from '../world.ts';

const shortageMilliseconds = 60_000;
/** Those of the profile `large`: jobs of other profiles have capacity. */
const missingTypes = ['m7a.2xlarge', 'm7i.2xlarge'];

/**
 * Lets the local EC2 launch nothing of what is named (instance types, `*` for all), until the function that is returned
 * is called.
 */
export async function takeCapacity({ run }: World, what: string): Promise<() => Promise<unknown>> {
  const ssm = new SSMClient(run.clientOptions());
  const Name = '/chaos/ec2/no-capacity';
  await ssm.send(new PutParameterCommand({ Name, Value: what, Type: 'String', Overwrite: true }));
  return () => ssm.send(new DeleteParameterCommand({ Name }));
}

/** Lets the local EC2 launch nothing at all, until the work is done. */
export async function withoutCapacity<T>(world: World, work: () => Promise<T>): Promise<T> {
  const giveBack = await takeCapacity(world, '*');
  return work().finally(giveBack);
}

/**
 * A minute without capacity for one profile. It costs the suite little time, since `meanwhile` runs in it, scenarios of
 * other profiles: jobs that wait for EC2 must not be in anybody's way. What runs longer than the minute is not
 * disturbed either.
 */
export function missingCapacity(world: () => World, meanwhile: () => void): void {
  let waiting: readonly JobView[] = [];
  let shortage: Promise<readonly string[]>;
  let startedAt = 0;

  beforeAll(async () => {
    startedAt = Date.now();
    const giveBack = await takeCapacity(world(), missingTypes.join(','));
    waiting = world().startPipeline('integration tests: { tags: [integration], parallel: 3, script: [echo up] }');
    shortage = sleep(shortageMilliseconds)
      .then(() => waiting.map(({ id }) => world().job(id).status))
      .finally(giveBack);
    await world().letWait(waiting);
  });

  afterAll(async () => {
    await shortage;
    world().letNobodyWait();
  });

  describe('meanwhile', meanwhile);

  /**
   * Three quarters of a minute after the shortage: the wait of the launcher between two requests grows up to a minute.
   */
  it('starts every job when EC2 has capacity again after a minute without, on its first attempt', async () => {
    expect(await shortage).toEqual(waiting.map(() => 'pending'));
    expect(await launchGroupsInVain(world(), startedAt)).toBeGreaterThan(2);

    const over = await world().untilOver(...waiting);
    expect(over.map(({ status }) => status)).toEqual(waiting.map(() => 'success'));
    world().letNobodyWait();
    await world().untilNothingIsLeft();
    // The launcher's patience served them: nobody gave up their runners, which would be the reconciler's doing.
    for (const job of waiting) {
      const item = await world().itemOf(job);
      expect(item).toMatchObject({ profile: 'large', state: 'RELEASED' });
      // They are alike: a runner that served another of them is no failed attempt of its own job, which then may
      // have had none.
      expect(item && attemptsUsed(item)).toBeLessThanOrEqual(1);
    }
  });
}

/** How many times the launcher asked EC2 for the profile without capacity and got nothing. */
async function launchGroupsInVain({ run }: World, since: number): Promise<number> {
  const client = new CloudWatchLogsClient(run.clientOptions());
  const groups = new Set<unknown>();
  for await (const { logGroups = [] } of paginateDescribeLogGroups({ client }, {})) {
    for (const { logGroupName } of logGroups) {
      for await (const { events = [] } of paginateFilterLogEvents({ client }, { logGroupName, startTime: since })) {
        for (const { message = '' } of events.filter((event) => event.message?.includes('"instances requested"'))) {
          const { profile, launchGroup, instanceIds } = JSON.parse(message) as Record<string, unknown>;
          if (profile === 'large' && Array.isArray(instanceIds) && instanceIds.length === 0) groups.add(launchGroup);
        }
      }
    }
  }
  return groups.size;
}
