import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { RunnerItem } from '../../../autoscaler/runner-store/runner-item.ts';
import type { RunnersStore } from '../../../autoscaler/runner-store/runners-store.ts';
import { admitJob } from '../../../autoscaler/start-runner/admit-job.lambda.ts';
import { choice, pendingJob, runnerItem, testStart } from '../../support/builders.ts';
import { inMemoryBus } from '../../support/in-memory-bus.ts';
import { inMemoryReconcileStore } from '../../support/in-memory-reconcile-store.ts';
import { inMemoryRunnersStore } from '../../support/in-memory-runners-store.ts';
import { lambdaContext } from '../../support/lambda-context.ts';

type Asked = { readonly jobId?: number; readonly limit?: number; readonly execution?: string; readonly now?: number };

/** Admits a job under one cap; the answer is its attempt, or the name of the refusal. */
async function admit(
  store: RunnersStore,
  { jobId = 1, limit = 2, execution = `execution-${jobId}`, now = testStart }: Asked = {},
) {
  const caps = [{ counter: 'cap#deployment', limit }];
  const input = { event: pendingJob({ jobId }), choice: choice({ caps }), execution };
  return admitJob(
    input,
    {
      store,
      projects: inMemoryReconcileStore(inMemoryRunnersStore()),
      bus: inMemoryBus(),
      maxAttempts: 3,
      now: () => now,
    },
    lambdaContext(),
  ).then(
    ({ attempt }) => attempt,
    (error: Error) => error.name,
  );
}
const inUse = (store: ReturnType<typeof inMemoryRunnersStore>) => store.counters.get('cap#deployment') ?? 0;

describe('the project of a job', () => {
  const asked = { event: pendingJob(), choice: choice(), execution: 'e' };

  it('is remembered, so that its lost hooks are found', async () => {
    const store = inMemoryRunnersStore();
    const projects = inMemoryReconcileStore(store);
    await admitJob(
      asked,
      { store, projects, bus: inMemoryBus(), maxAttempts: 3, now: () => testStart },
      lambdaContext(),
    );
    expect(await projects.listProjects()).toEqual([{ projectId: 7, path: 'group/project' }]);
  });

  it('that cannot be remembered keeps no job from its runner', async () => {
    const projects = { noteProject: () => Promise.reject(new Error('throttled')) };
    const context = lambdaContext();
    const ports = { store: inMemoryRunnersStore(), projects, bus: inMemoryBus(), maxAttempts: 3, now: () => testStart };
    expect(await admitJob(asked, ports, context)).toMatchObject({ attempt: 1 });
    expect(context.lines.map(({ level }) => level)).toContain('warn');
  });
});

describe('a job', () => {
  it('is admitted with its place', async () => {
    const store = inMemoryRunnersStore();
    expect(await admit(store)).toBe(1);
    expect(store.items.get('job#7#1')).toMatchObject({ state: 'ADMITTED', attempt: 1, admittedBy: 'execution-1' });
    expect(inUse(store)).toBe(1);
  });

  it('is asked for again as one that waits, whatever its hook said', async () => {
    const store = inMemoryRunnersStore();
    const ports = {
      store,
      projects: inMemoryReconcileStore(store),
      bus: inMemoryBus(),
      maxAttempts: 3,
      now: () => testStart,
    };
    await admitJob(
      { event: pendingJob({ status: 'created' }), choice: choice(), execution: 'e' },
      ports,
      lambdaContext(),
    );
    expect(store.items.get('job#7#1')?.event.status).toBe('pending');
  });

  it('is refused to a duplicate of its event, which takes no place', async () => {
    const store = inMemoryRunnersStore();
    await admit(store);
    expect(await admit(store, { execution: 'another' })).toBe('JobAlreadyAdmittedError');
    expect(inUse(store)).toBe(1);
  });

  it('is admitted to one of five that ask at the same moment', async () => {
    const store = inMemoryRunnersStore();
    const outcomes = await Promise.all([1, 2, 3, 4, 5].map((n) => admit(store, { limit: 9, execution: `e${n}` })));
    expect(outcomes.filter((outcome) => outcome === 1)).toHaveLength(1);
    expect(outcomes.filter((outcome) => outcome === 'JobAlreadyAdmittedError')).toHaveLength(4);
    expect(inUse(store)).toBe(1);
  });

  it('has one winner also when five ask under a cap of one', async () => {
    const store = inMemoryRunnersStore();
    const outcomes = await Promise.all([1, 2, 3, 4, 5].map((n) => admit(store, { limit: 1, execution: `e${n}` })));
    expect(outcomes.filter((outcome) => outcome === 1)).toHaveLength(1);
    expect(store.items.get('job#7#1')).toMatchObject({ state: 'ADMITTED' });
    expect(inUse(store)).toBe(1);
  });

  it('keeps its attempt and its one place when the same execution asks again', async () => {
    const store = inMemoryRunnersStore();
    expect(await admit(store)).toBe(1);
    expect(await admit(store)).toBe(1);
    expect(inUse(store)).toBe(1);
  });

  it.each(['FAILED', 'RELEASED'] as const)('gets its next attempt after one that is %s', async (state) => {
    const store = inMemoryRunnersStore(runnerItem({ state, attempt: 1, runnerId: 5 }));
    expect(await admit(store)).toBe(2);
    expect(store.items.get('job#7#1')).toMatchObject({ state: 'ADMITTED', attempt: 2 });
    expect(store.items.get('job#7#1')).not.toHaveProperty('runnerId');
    expect(inUse(store)).toBe(1);
  });

  it('gets its next attempt once, of five that ask at the same moment', async () => {
    const store = inMemoryRunnersStore(runnerItem({ state: 'FAILED', attempt: 1 }));
    const outcomes = await Promise.all([1, 2, 3, 4, 5].map((n) => admit(store, { limit: 9, execution: `e${n}` })));
    expect(outcomes.filter((outcome) => outcome === 2)).toHaveLength(1);
    expect(inUse(store)).toBe(1);
  });

  it('is given up when it used up its attempts', async () => {
    const store = inMemoryRunnersStore(runnerItem({ state: 'FAILED', attempt: 3 }));
    expect(await admit(store)).toBe('JobAlreadyAdmittedError');
    expect(inUse(store)).toBe(0);
  });

  it('is not admitted when it ended while its runner was being chosen', async () => {
    const tombstone = runnerItem({ state: 'RELEASED', jobState: 'FINISHED' });
    const store = inMemoryRunnersStore(tombstone);
    expect(await admit(store)).toBe('JobAlreadyAdmittedError');
    expect(store.items.get('job#7#1')).toEqual(tombstone);
  });
});

describe('a cap that is reached', () => {
  it('lets the job wait, visibly and without a place', async () => {
    const store = inMemoryRunnersStore();
    await admit(store, { limit: 1 });
    expect(await admit(store, { jobId: 2, limit: 1 })).toBe('CapReachedError');
    expect(store.items.get('job#7#2')).toMatchObject({ state: 'WAITING', attempt: 1, live: 'waiting' });
    expect(inUse(store)).toBe(1);
  });

  it('is never exceeded, however many come at the same moment', async () => {
    const store = inMemoryRunnersStore();
    const jobs = Array.from({ length: 12 }, (_, index) => index + 1);
    const outcomes = await Promise.all(jobs.map((jobId) => admit(store, { jobId, limit: 5 })));
    expect(outcomes.filter((outcome) => outcome === 1)).toHaveLength(5);
    expect(outcomes.filter((outcome) => outcome === 'CapReachedError')).toHaveLength(7);
    const states = [...store.items.values()].map(({ state }) => state);
    expect(states.filter((state) => state === 'ADMITTED')).toHaveLength(5);
    expect(inUse(store)).toBe(5);
  });

  it('holds a job of one cap back from the places of its other caps', async () => {
    const store = inMemoryRunnersStore();
    store.counters.set('cap#profile#large', 1);
    const caps = [
      { counter: 'cap#deployment', limit: 9 },
      { counter: 'cap#profile#large', limit: 1 },
    ];
    const input = { event: pendingJob(), choice: choice({ caps }), execution: 'e' };
    const ports = {
      store,
      projects: inMemoryReconcileStore(store),
      bus: inMemoryBus(),
      maxAttempts: 3,
      now: () => testStart,
    };
    await expect(admitJob(input, ports, lambdaContext())).rejects.toThrow(/job#7#1 waits: cap#profile#large allows 1/);
    expect(inUse(store)).toBe(0);
  });

  it('lets the waiting job in as the same attempt once there is room', async () => {
    const store = inMemoryRunnersStore();
    await admit(store, { limit: 1 });
    await admit(store, { jobId: 2, limit: 1 });
    store.counters.set('cap#deployment', 0);
    expect(await admit(store, { jobId: 2, limit: 1 })).toBe(1);
    expect(store.items.get('job#7#2')).toMatchObject({ state: 'ADMITTED' });
  });

  it('keeps a job waiting that asks again in vain', async () => {
    const store = inMemoryRunnersStore();
    await admit(store, { limit: 1 });
    await admit(store, { jobId: 2, limit: 1 });
    expect(await admit(store, { jobId: 2, limit: 1, execution: 'another' })).toBe('CapReachedError');
    expect(store.items.get('job#7#2')).toMatchObject({ state: 'WAITING', attempt: 1 });
  });

  it('keeps the order of those who wait, whoever asks again in vain', async () => {
    const store = inMemoryRunnersStore();
    await admit(store, { limit: 1 });
    await admit(store, { jobId: 2, limit: 1, now: testStart + 1_000 });
    await admit(store, { jobId: 3, limit: 1, now: testStart + 2_000 });
    await admit(store, { jobId: 2, limit: 1, now: testStart + 3_000 });
    const waiting = (await store.readLive()).filter(({ state }) => state === 'WAITING');
    expect(waiting.map(({ pk }) => pk)).toEqual(['job#7#2', 'job#7#3']);
  });

  it('wastes no place that becomes free just before the job is written down as waiting', async () => {
    const store = inMemoryRunnersStore();
    store.counters.set('cap#deployment', 1);
    const racing: RunnersStore = {
      ...store,
      async write(...parts) {
        const [first] = parts;
        const waits = first?.kind === 'put' && first.item.state === 'WAITING';
        if (waits) store.counters.set('cap#deployment', 0);
        return store.write(...parts);
      },
    };
    expect(await admit(racing, { limit: 1 })).toBe(1);
    expect(store.items.get('job#7#1')).toMatchObject({ state: 'ADMITTED' } satisfies Partial<RunnerItem>);
    expect(inUse(store)).toBe(1);
  });
});

describe('a store that fails', () => {
  it('lets its own error through, so that the workflow tries again', async () => {
    const store = inMemoryRunnersStore();
    const down = Object.assign(new Error('slow down'), { name: 'ThrottlingException' });
    expect(await admit({ ...store, write: () => Promise.reject(down) })).toBe('ThrottlingException');
  });

  it('gives the job its one place when the answer to its admission was lost', async () => {
    const store = inMemoryRunnersStore();
    const losing: RunnersStore = {
      ...store,
      async write(...parts) {
        await store.write(...parts);
        throw Object.assign(new Error('unknown outcome'), { name: 'InternalServerError' });
      },
    };
    expect(await admit(losing)).toBe('InternalServerError');
    expect(await admit(store)).toBe(1);
    expect(inUse(store)).toBe(1);
  });

  /**
   * A store whose writes number so and so are made, and refused when they are sent again since their answer was
   * lost.
   */
  function repeating(store: RunnersStore, lost: (write: number) => boolean): RunnersStore {
    let writes = 0;
    return {
      ...store,
      async write(...parts) {
        await store.write(...parts);
        writes += 1;
        if (lost(writes)) await store.write(...parts);
      },
    };
  }

  it('takes no own admission for a duplicate, sent again for its lost answer', async () => {
    const store = inMemoryRunnersStore();
    expect(await admit(repeating(store, () => true))).toBe(1);
    expect(store.items.get('job#7#1')).toMatchObject({ state: 'ADMITTED', admittedBy: 'execution-1' });
    expect(inUse(store)).toBe(1);
  });

  it('lets a job wait whose own entry in the queue was sent again', async () => {
    const store = inMemoryRunnersStore();
    store.counters.set('cap#deployment', 1);
    expect(
      await admit(
        repeating(store, () => true),
        { limit: 1 },
      ),
    ).toBe('CapReachedError');
    expect(store.items.get('job#7#1')).toMatchObject({ state: 'WAITING' });
  });

  it('never tells one execution that it is a duplicate, whichever answers were lost', async () => {
    const before = fc.constantFrom(null, 'FAILED' as const, 'RELEASED' as const, 'WAITING' as const);
    const lost = fc.array(fc.boolean(), { minLength: 4, maxLength: 4 });
    const place = fc.record({ limit: fc.integer({ min: 1, max: 2 }), taken: fc.integer({ min: 0, max: 2 }) });
    await fc.assert(
      fc.asyncProperty(before, lost, place, async (state, answers, { limit, taken }) => {
        const store = state ? inMemoryRunnersStore(runnerItem({ state, attempt: 1 })) : inMemoryRunnersStore();
        store.counters.set('cap#deployment', taken);
        const outcome = await admit(
          repeating(store, (write) => answers[write - 1] ?? false),
          { limit },
        );
        const { state: after } = store.items.get('job#7#1') ?? {};
        if (taken < limit) expect([typeof outcome, after, inUse(store)]).toEqual(['number', 'ADMITTED', taken + 1]);
        else expect([outcome, after, inUse(store)]).toEqual(['CapReachedError', 'WAITING', taken]);
      }),
    );
  });

  it('tells the slower of two executions that it is a duplicate, also of one whose answers were lost', async () => {
    const store = inMemoryRunnersStore();
    const slow: RunnersStore = {
      ...store,
      async write(...parts) {
        await admit(
          repeating(store, () => true),
          { execution: 'faster' },
        );
        return store.write(...parts);
      },
    };
    expect(await admit(slow, { execution: 'slower' })).toBe('JobAlreadyAdmittedError');
    expect(store.items.get('job#7#1')).toMatchObject({ admittedBy: 'faster' });
    expect(inUse(store)).toBe(1);
  });
});
