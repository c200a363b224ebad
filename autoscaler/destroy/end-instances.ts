import type { Log } from '../../infrastructure/kit/lambda/log.ts';

/** A launch that was begun before its trigger went is over by then: longer than the launcher may run. */
export const launchesEndSeconds = 35;

const lookEveryMilliseconds = 5_000;

export type EndInstancesPorts = {
  readonly instances: {
    list(): Promise<readonly { readonly instanceId: string; readonly ends: boolean }[]>;
    terminate(instanceIds: readonly string[]): Promise<void>;
  };
  readonly now: () => number;
  readonly sleep: (milliseconds: number) => Promise<unknown>;
};

/** Instances that did not end in time. */
export class InstancesLeftError extends Error {
  override readonly name = 'InstancesLeftError';
}

/**
 * Terminates every instance of the deployment and waits until they are gone. Looks for a while even when there is none:
 * a launch may be under way. A call that fails is made again until the time is over.
 *
 * @param deadline milliseconds since 1970
 * @throws {InstancesLeftError} when some still exist at the deadline, or EC2 would not say.
 */
export async function endInstances({ instances, now, sleep }: EndInstancesPorts, deadline: number, log: Log) {
  const nothingNewAt = now() + launchesEndSeconds * 1_000;
  for (;;) {
    let left = 'EC2 does not say which';
    let cause: unknown;
    try {
      const found = await instances.list();
      if (found.length === 0 && now() >= nothingNewAt) return;
      left = found.map(({ instanceId }) => instanceId).join(', ');
      const alive = found.filter(({ ends }) => !ends).map(({ instanceId }) => instanceId);
      log.info('waiting for the end of the instances', { left: found.length, terminating: alive });
      await instances.terminate(alive);
    } catch (error) {
      cause = error;
      log.warn('EC2 refuses; asking again', { error });
    }
    if (now() + lookEveryMilliseconds > deadline) {
      const why = cause instanceof Error ? ` (${cause.message})` : '';
      throw new InstancesLeftError(
        `Instances of this deployment have not ended yet: ${left}${why}. Destroy the stack once more, or terminate them by hand first.`,
        { cause },
      );
    }
    await sleep(lookEveryMilliseconds);
  }
}
