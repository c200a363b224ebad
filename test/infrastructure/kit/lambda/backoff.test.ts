import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  type BackoffPolicy,
  type FailureVerdict,
  retryWithBackoff,
  systemBackoffPorts,
} from '../../../../infrastructure/kit/lambda/backoff.ts';

const patient: BackoffPolicy = {
  maxAttempts: 5,
  firstDelayMilliseconds: 100,
  longestDelayMilliseconds: 400,
  budgetMilliseconds: 60_000,
};

/** Tries something that fails `failures` times, in virtual time; each try takes `takes` milliseconds. */
async function attempt({
  failures,
  policy = patient,
  verdict = { retry: true },
  random = 1,
  takes = 0,
}: {
  failures: number;
  policy?: BackoffPolicy;
  verdict?: FailureVerdict;
  random?: number;
  takes?: number;
}) {
  const waits: number[] = [];
  let clock = 1_000;
  let tries = 0;
  const outcome = await retryWithBackoff(
    async () => {
      tries += 1;
      clock += takes;
      if (tries <= failures) throw new Error(`failure ${tries}`);
      return 'done';
    },
    () => verdict,
    policy,
    {
      now: () => clock,
      sleep: async (milliseconds) => {
        waits.push(milliseconds);
        clock += milliseconds;
      },
      random: () => random,
    },
  ).catch((error: Error) => error.message);
  return { outcome, tries, waits, tookMilliseconds: clock - 1_000 };
}

describe('retryWithBackoff', () => {
  it('tries once when that succeeds', async () => {
    expect(await attempt({ failures: 0 })).toMatchObject({ outcome: 'done', tries: 1, waits: [] });
  });

  it('tries again until it succeeds, and waits twice as long each time, up to a limit', async () => {
    expect(await attempt({ failures: 4 })).toMatchObject({ outcome: 'done', waits: [100, 200, 400, 400] });
  });

  it('takes any part of that wait by chance', async () => {
    expect((await attempt({ failures: 3, random: 0.25 })).waits).toEqual([25, 50, 100]);
    expect((await attempt({ failures: 3, random: 0 })).waits).toEqual([0, 0, 0]);
  });

  it('gives up after so many tries, with the last error', async () => {
    expect(await attempt({ failures: 9 })).toMatchObject({ outcome: 'failure 5', tries: 5 });
  });

  it('gives up at once on what no repetition mends', async () => {
    expect(await attempt({ failures: 9, verdict: { retry: false } })).toMatchObject({
      outcome: 'failure 1',
      waits: [],
    });
  });

  it('waits at least as long as the other side asks for', async () => {
    const verdict = { retry: true, retryAfterMilliseconds: 3_000 };
    expect((await attempt({ failures: 2, verdict })).waits).toEqual([3_000, 3_000]);
    expect((await attempt({ failures: 1, verdict: { retry: true, retryAfterMilliseconds: 10 } })).waits).toEqual([100]);
  });

  it('does not begin a wait that would end after its time', async () => {
    const policy = { ...patient, budgetMilliseconds: 2_000 };
    const verdict = { retry: true, retryAfterMilliseconds: 2_001 };
    expect(await attempt({ failures: 1, policy, verdict })).toMatchObject({ outcome: 'failure 1', waits: [] });
    expect(await attempt({ failures: 9, policy, takes: 900 })).toMatchObject({ outcome: 'failure 2', tries: 2 });
  });

  it('keeps to its tries and its time, whatever happens', async () => {
    const policies = fc.record<BackoffPolicy>({
      maxAttempts: fc.integer({ min: 1, max: 8 }),
      firstDelayMilliseconds: fc.integer({ min: 1, max: 1_000 }),
      longestDelayMilliseconds: fc.integer({ min: 1, max: 5_000 }),
      budgetMilliseconds: fc.integer({ min: 0, max: 10_000 }),
    });
    await fc.assert(
      fc.asyncProperty(
        policies,
        fc.nat(12),
        fc.nat(3_000),
        fc.double({ min: 0, max: 0.99, noNaN: true }),
        async (policy, failures, takes, random) => {
          const { tries, waits, tookMilliseconds } = await attempt({ failures, policy, takes, random });
          expect(tries).toBeLessThanOrEqual(policy.maxAttempts);
          expect(tookMilliseconds).toBeLessThanOrEqual(policy.budgetMilliseconds + takes);
          for (const wait of waits) expect(wait).toBeLessThanOrEqual(policy.longestDelayMilliseconds);
        },
      ),
    );
  });
});

describe('the real clock, timer and dice', () => {
  it('do what they say', async () => {
    const before = systemBackoffPorts.now();
    await systemBackoffPorts.sleep(20);
    expect(systemBackoffPorts.now() - before).toBeGreaterThanOrEqual(15);
    expect(systemBackoffPorts.random()).toBeLessThan(1);
  });
});
