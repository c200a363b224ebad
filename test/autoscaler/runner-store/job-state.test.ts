import { describe, expect, it } from 'vitest';
import { noteJobState } from '../../../autoscaler/runner-store/job-state.ts';
import { jobStates, type RunnerItem, runnerStates } from '../../../autoscaler/runner-store/runner-item.ts';
import { runnerItem } from '../../support/builders.ts';
import { inMemoryRunnersStore } from '../../support/in-memory-runners-store.ts';

const job = 'job#7#1';
const expiresAt = 1_900_000_000;

describe('noteJobState', () => {
  it('tells nothing of a job without an item, and makes none', async () => {
    const store = inMemoryRunnersStore();
    expect(await noteJobState(store, job, 'FINISHED', expiresAt)).toBeNull();
    expect(store.items.size).toBe(0);
  });

  it.each(
    jobStates.flatMap((before, from) =>
      jobStates.map((note, to) => [before, note, to > from ? note : before] as const),
    ),
  )('a job that is %s and is told to be %s is %s: it never goes back', async (before, note, after) => {
    const store = inMemoryRunnersStore(runnerItem({ state: 'LAUNCHED', jobState: before }));
    expect(await noteJobState(store, job, note, expiresAt)).toMatchObject({ jobState: after });
    expect(store.items.get(job)).toEqual(runnerItem({ state: 'LAUNCHED', jobState: after }));
  });

  it.each(runnerStates)(
    'a finished job whose runner is %s leaves the live ones only with its runner',
    async (state) => {
      const item = runnerItem({ state });
      const store = inMemoryRunnersStore(item);
      await noteJobState(store, job, 'FINISHED', expiresAt);
      const ended = state === 'RELEASED' || state === 'FAILED';
      const { live, expiresAt: kept } = store.items.get(job) as RunnerItem;
      expect([live, kept]).toEqual(ended ? [undefined, expiresAt] : [item.live, undefined]);
    },
  );

  it('keeps what a runner did between its read and its write', async () => {
    const store = inMemoryRunnersStore(runnerItem({ state: 'REGISTERED', runnerId: 5 }));
    let reads = 0;
    const racing = {
      ...store,
      async read() {
        const item = await store.read(job);
        reads += 1;
        if (reads === 1) await store.write({ kind: 'update', job, from: ['REGISTERED'], set: { state: 'LAUNCHED' } });
        return item;
      },
    };
    expect(await noteJobState(racing, job, 'RUNNING', expiresAt)).toMatchObject({
      state: 'LAUNCHED',
      jobState: 'RUNNING',
    });
    expect(store.items.get(job)).toMatchObject({ state: 'LAUNCHED', jobState: 'RUNNING' });
  });

  it('lets other failures of the store through', async () => {
    const down = Object.assign(new Error('slow down'), { name: 'ThrottlingException' });
    const store = { ...inMemoryRunnersStore(runnerItem()), write: () => Promise.reject(down) };
    await expect(noteJobState(store, job, 'RUNNING', expiresAt)).rejects.toBe(down);
  });
});
