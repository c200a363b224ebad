import { setTimeout as sleep } from 'node:timers/promises';
import { DeleteParameterCommand, PutParameterCommand, SSMClient } from '@aws-sdk/client-ssm';
import { expect, it } from 'vitest';
import type { World } from '../world.ts';

/** The launcher asks more than once in it. */
const shortageMilliseconds = 20_000;

/** Lets the local EC2 launch nothing, until told otherwise. */
export async function withoutCapacity<T>({ run }: World, work: () => Promise<T>): Promise<T> {
  const ssm = new SSMClient(run.clientOptions());
  const Name = '/chaos/ec2/no-capacity';
  await ssm.send(new PutParameterCommand({ Name, Value: '*', Type: 'String', Overwrite: true }));
  return work().finally(() => ssm.send(new DeleteParameterCommand({ Name })));
}

export function missingCapacity(world: () => World): void {
  /** Three quarters of a minute: the shortage, and the wait of the launcher between two requests. */
  it('starts every job when EC2 has capacity again after twenty seconds without, and others meanwhile', async () => {
    const jobs = await withoutCapacity(world(), async () => {
      const waiting = world().startPipeline('needs a host: { tags: [aws, big], parallel: 3, script: [echo up] }');
      const others = world().startPipeline('needs none: { tags: [aws], script: [echo up] }');
      await Promise.all([world().untilOver(...others), sleep(shortageMilliseconds)]);
      expect(waiting.map(({ id }) => world().job(id).status)).toEqual(['pending', 'pending', 'pending']);
      return [...waiting, ...others];
    });
    const over = await world().untilOver(...jobs);
    expect(over.map(({ status }) => status)).toEqual(jobs.map(() => 'success'));
    await world().untilNothingIsLeft();
  });
}
