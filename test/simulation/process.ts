import { StateError } from '../support/state-machine-errors.ts';
import type { Random } from './random.ts';
import type { VirtualTime } from './virtual-time.ts';

/** One invocation of a Lambda: it can die between any two calls to the outside. */
export type Process = {
  readonly name: string;
  /** Rejects when the process dies. */
  readonly death: Promise<never>;
  isDead(): boolean;
  die(error: string): void;
};

export type Crash = { readonly call: number; readonly moment: 'before' | 'after'; readonly happened: () => void };

export function createProcess(name: string): Process {
  let dead = false;
  let reject: (error: Error) => void = () => {};
  const death = new Promise<never>((_, refuse) => {
    reject = refuse;
  });
  death.catch(() => {});
  return {
    name,
    death,
    isDead: () => dead,
    die(error) {
      dead = true;
      reject(new StateError(error, `${name} died`));
    },
  };
}

const never = new Promise<never>(() => {});

/**
 * The same ports, seen from a process: every call takes its time, in which others act, and a dead process calls nobody.
 * Values and plain functions (a clock, dice) stay as they are.
 */
export function portsOf<Ports extends object>(
  ports: Ports,
  {
    process,
    time,
    random,
    crash,
    endsAt,
  }: {
    readonly process: Process;
    readonly time: VirtualTime;
    readonly random: Random;
    readonly crash: Crash | undefined;
    /** When Lambda ends the process, milliseconds since 1970. */
    readonly endsAt: number;
  },
): Ports {
  let calls = 0;
  const remote =
    (method: (...args: readonly unknown[]) => Promise<unknown>) =>
    async (...args: readonly unknown[]) => {
      calls += 1;
      const crashesHere = crash?.call === calls;
      const die = () => {
        crash?.happened();
        process.die(random.chance(0.5) ? 'Lambda.Unknown' : 'Sandbox.Timedout');
        return never;
      };
      await time.sleep(callMilliseconds(random));
      if (time.now() > endsAt) process.die('Sandbox.Timedout');
      if (process.isDead()) return never;
      if (crashesHere && crash.moment === 'before') return die();
      try {
        return await method(...args);
      } finally {
        // Who dies after a call never learns how it ended.
        if (crashesHere && crash.moment === 'after') await die();
        if (process.isDead()) await never;
      }
    };
  const wrapped = Object.entries(ports).map(([name, port]: [string, unknown]) => {
    if (typeof port !== 'object' || port === null) return [name, port];
    const methods = Object.entries(port).map(([key, value]: [string, unknown]) => [
      key,
      typeof value === 'function' ? remote(value as never) : value,
    ]);
    return [name, Array.isArray(port) ? port : Object.fromEntries(methods)];
  });
  return Object.fromEntries(wrapped);
}

/** Mostly some milliseconds; now and then so long that much happens meanwhile. */
function callMilliseconds(random: Random): number {
  return random.chance(0.04) ? random.whole(300, 4_000) : random.whole(3, 60);
}
