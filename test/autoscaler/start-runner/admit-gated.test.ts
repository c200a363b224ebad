import { describe, expect, it } from 'vitest';
import { turnsWantedType } from '../../../autoscaler/gate/turns-wanted.ts';
import { notItsTurn } from '../../../autoscaler/runner-store/held.ts';
import type { RunnerItem } from '../../../autoscaler/runner-store/runner-item.ts';
import { admitJob } from '../../../autoscaler/start-runner/admit-job.lambda.ts';
import { choice, pendingJob, runnerItem, testStart } from '../../support/builders.ts';
import { inMemoryBus } from '../../support/in-memory-bus.ts';
import { inMemoryReconcileStore } from '../../support/in-memory-reconcile-store.ts';
import { inMemoryRunnersStore } from '../../support/in-memory-runners-store.ts';
import { lambdaContext } from '../../support/lambda-context.ts';

const caps = [{ counter: 'cap#deployment', limit: 1 }];
const onLambda = { type: 'LAMBDA', profile: 'shell', functionArn: 'arn', gated: true, caps } as const;
const onEc2 = { gated: true, caps } as const;

function world(...items: readonly RunnerItem[]) {
  const store = inMemoryRunnersStore(...items);
  const bus = inMemoryBus();
  const admit = (changes: Parameters<typeof choice>[0]) =>
    admitJob(
      { event: pendingJob(), choice: choice(changes), execution: 'e' },
      { store, projects: inMemoryReconcileStore(store), bus, maxAttempts: 3, now: () => testStart },
      lambdaContext(),
    ).then(
      ({ attempt }) => attempt,
      (error: Error) => error.name,
    );
  return {
    store,
    bus,
    admit,
    item: () => store.items.get('job#7#1'),
    taken: () => store.counters.get('cap#deployment'),
  };
}

describe('a job whose runner may get others’ jobs', () => {
  it('waits for its turn without a place where its runner costs while it waits, and the gate is told', async () => {
    const { admit, item, bus, taken } = world();
    expect(await admit(onLambda)).toBe('NotItsTurnError');
    expect(item()).toMatchObject({ state: 'WAITING', attempt: 1, gated: true, waitsFor: { error: notItsTurn } });
    expect(taken()).toBeUndefined();
    expect(bus.told).toEqual([[turnsWantedType, { kind: 'turns-wanted', projectId: 7, jobId: 1 }]]);
  });

  it('is admitted in its turn, as the same attempt, and keeps its turn', async () => {
    const { admit, item, store } = world();
    await admit(onLambda);
    store.items.set('job#7#1', { ...(item() as RunnerItem), turnAt: '2030-01-01T00:00:09.000Z' });
    expect(await admit(onLambda)).toBe(1);
    expect(item()).toMatchObject({ state: 'ADMITTED', turnAt: '2030-01-01T00:00:09.000Z' });
  });

  it('waits anew when it was let go as a runner of another profile', async () => {
    const { admit, item, store } = world();
    await admit(onLambda);
    store.items.set('job#7#1', { ...(item() as RunnerItem), turnAt: '2030-01-01T00:00:09.000Z' });
    expect(await admit({ ...onLambda, profile: 'other' })).toBe('NotItsTurnError');
    expect(item()).not.toHaveProperty('turnAt');
  });

  it('has its host booted ahead on EC2', async () => {
    const { admit, item, bus } = world();
    expect(await admit(onEc2)).toBe(1);
    expect(item()).toMatchObject({ state: 'ADMITTED', gated: true });
    expect(bus.told).toHaveLength(1);
  });

  it('does not take a place again that it gave back to an earlier job', async () => {
    const waitsFor = { error: notItsTurn, message: '', since: '', lookAt: '', looks: 1 };
    const gaveBack = { state: 'WAITING', attemptBegun: true, excusedAttempts: 1, waitsFor } as const;
    const { admit, item } = world(runnerItem({ ...onEc2, ...gaveBack }));
    expect(await admit(onEc2)).toBe('NotItsTurnError');
    expect(item()).toMatchObject({ state: 'WAITING' });
  });

  it('says so to the gate when it waits at a cap', async () => {
    const { admit, bus, store } = world();
    store.counters.set('cap#deployment', 1);
    expect(await admit(onEc2)).toBe('CapReachedError');
    expect(bus.told).toHaveLength(1);
  });
});

it('a job that waits for nobody tells the gate nothing', async () => {
  const { admit, bus } = world();
  expect(await admit({ caps })).toBe(1);
  expect(bus.told).toEqual([]);
});
