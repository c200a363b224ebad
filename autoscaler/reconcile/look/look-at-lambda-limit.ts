import type { ReconcilerMemory } from './memory.ts';

/** AWS raises a limit within days of being asked: that it counts some minutes later is early enough. */
const lookSeconds = 5 * 60;

/** The account's limit of executions at the same time, and where it is written down for those who choose runners. */
export type LambdaLimitPorts = {
  ask(): Promise<number>;
  write(unreserved: number): Promise<void>;
};

/**
 * Looks every five minutes what the account's functions may do at the same time, and writes it down when it has
 * changed. What fails is tried again then, and told to `onFailure`: until then the last known limit counts.
 */
export async function lookAtLambdaLimit(
  ports: LambdaLimitPorts | undefined,
  known: ReconcilerMemory['lambdaLimit'],
  onFailure: (error: unknown) => void,
  now: number,
): Promise<ReconcilerMemory['lambdaLimit']> {
  if (!ports || (known && now - known.lookedAt < lookSeconds * 1_000)) return known;
  try {
    const unreserved = await ports.ask();
    if (unreserved !== known?.unreserved) await ports.write(unreserved);
    return { unreserved, lookedAt: now };
  } catch (error) {
    onFailure(error);
    return { ...known, lookedAt: now };
  }
}
