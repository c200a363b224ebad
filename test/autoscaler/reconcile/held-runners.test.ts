import { describe, expect, it } from 'vitest';
import { judgeAttempt } from '../../../autoscaler/end-runner/whose-fault.ts';
import { turnsWantedType } from '../../../autoscaler/gate/turns-wanted.ts';
import { heldSeconds, notItsTurn } from '../../../autoscaler/runner-store/held.ts';
import type { RunnerItem } from '../../../autoscaler/runner-store/runner-item.ts';
import { abandonRunner } from '../../../autoscaler/start-runner/abandon-runner.lambda.ts';
import { abandonRunnerInput } from '../../../autoscaler/start-runner/start-runner-input.ts';
import { runnerItem } from '../../support/builders.ts';
import { lambdaContext } from '../../support/lambda-context.ts';
import { reconcileWorld } from './reconcile-world.ts';

const launchedAt = '2030-01-02T00:00:00.000Z';
const held = (changes: Partial<RunnerItem> = {}) =>
  runnerItem({
    ...{ state: 'LAUNCHED', gated: true, runnerId: 101, instanceId: 'i-1', ticketId: 'job#7#1', launchedAt },
    ...changes,
  });

async function world(item: RunnerItem, secondsLater: number) {
  const world = reconcileWorld([item]);
  world.clock.milliseconds = Date.parse(launchedAt) + secondsLater * 1_000;
  world.gitlab.setJob({ id: 1, status: 'pending' });
  world.instances.running.set('i-1', { tags: {} } as never);
  await world.pass(2);
  return world;
}
const told = ({ told: events }: Awaited<ReturnType<typeof world>>, type: string) =>
  events.flatMap((event) => (event.type === type ? [event.detail] : []));

describe('a host that waits for its turn', () => {
  it('has its project’s gate looked at in each pass, and is named to it', async () => {
    const wanted = { kind: 'turns-wanted', projectId: 7, jobId: 1 };
    expect(told(await world(held(), 60), turnsWantedType)).toEqual([wanted, wanted]);
    expect(
      told(await world(held({ state: 'RUNNING', takenJob: 'job#7#1', jobState: 'RUNNING' }), 60), turnsWantedType),
    ).toEqual([]);
  });

  it('is counted, and taken for no dead one', async () => {
    const held600 = await world(held(), 11 * 60);
    expect(told(held600, 'Runner Failed')).toEqual([]);
    expect(held600.context.lines.at(-1)).toMatchObject({ JobsHeld: 1 });
  });

  it('ends when it has waited for too long, which costs no attempt: the job waits on without one', async () => {
    const late = await world(held(), heldSeconds + 30);
    const [failure] = told(late, 'Runner Failed');
    expect(failure).toMatchObject({ jobId: 1, error: notItsTurn });
    const { store, gitlab, instances, clock } = late;
    const ports = {
      ...{ store, gitlab, instances, maxAttempts: 3, now: () => clock.milliseconds, random: () => 0 },
      outages: { note: async () => {}, lastSeen: async () => null },
      bus: { tell: async () => {} },
    };
    const outcome = await abandonRunner(abandonRunnerInput.parse(failure), ports as never, lambdaContext());
    expect(outcome).toMatchObject({ retry: null, failure: null });
    expect(store.items.get('job#7#1')).toMatchObject({ state: 'WAITING', waitsFor: { error: notItsTurn } });
    expect(store.items.get('job#7#1')?.excusedAttempts).toBe(1);
  });

  it('has its time to take a job from its turn on', async () => {
    const turnAt = new Date(Date.parse(launchedAt) + 10 * 60_000).toISOString();
    expect(told(await world(held({ turnAt, ticketId: 'i-1' }), 15 * 60), 'Runner Failed')).toEqual([]);
    expect(told(await world(held({ turnAt, ticketId: 'i-1' }), 21 * 60), 'Runner Failed')).toMatchObject([
      { error: 'HostUnused' },
    ]);
  });
});

it('a job that waits for its turn is asked for by the gate, not by a look', async () => {
  const waitsFor = { error: notItsTurn, message: '', since: launchedAt, lookAt: launchedAt, looks: 9 };
  const waiting = await world(held({ state: 'WAITING', waitsFor, instanceId: 'none' }), 600);
  expect(told(waiting, 'Job Pending')).toEqual([]);
  expect(told(waiting, turnsWantedType)).toHaveLength(2);
  expect(waiting.context.lines.at(-1)).toMatchObject({ JobsHeld: 1 });
});

it('a held host that dies costs no attempt, also when its end was begun by then', () => {
  const circumstances = { now: Date.parse(launchedAt) + 60_000, random: 0, lastOutage: null };
  const gone = { error: 'HostGone', message: 'm' };
  const stopping = held({ state: 'STOPPING' });
  expect(judgeAttempt(stopping, gone, circumstances)).toMatchObject({ state: 'WAITING' });
  const hadItsTurn = { ...stopping, turnAt: launchedAt };
  expect(judgeAttempt(hadItsTurn, gone, circumstances)).toMatchObject({ state: 'FAILED' });
});
