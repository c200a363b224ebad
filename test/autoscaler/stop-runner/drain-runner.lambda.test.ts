import { describe, expect, it } from 'vitest';
import { type RunnerToStop, runnerToStopOf } from '../../../autoscaler/end-runner/stop-runner-input.ts';
import type { RunnerItem } from '../../../autoscaler/runner-store/runner-item.ts';
import { registerRunner } from '../../../autoscaler/start-runner/register-runner.lambda.ts';
import { drainRunner } from '../../../autoscaler/stop-runner/drain-runner.lambda.ts';
import { choice, pendingJob, runnerItem, testStart } from '../../support/builders.ts';
import { inMemoryGitLab } from '../../support/in-memory-gitlab.ts';
import { inMemoryRunnersStore } from '../../support/in-memory-runners-store.ts';
import { lambdaContext } from '../../support/lambda-context.ts';

const job = 'job#7#1';

/** The runner of job 1, in GitLab and in the table. */
async function world(changes: Partial<RunnerItem> = {}) {
  const gitlab = inMemoryGitLab();
  const note = { description: 'd', maintenanceNote: 'n', projectId: 7, tags: [], maximumTimeoutSeconds: 3_600 };
  const { runnerId } = await gitlab.createRunner(note);
  const store = inMemoryRunnersStore(runnerItem({ state: 'LAUNCHED', runnerId, instanceId: 'i-1', ...changes }));
  const drain = (asked: Partial<RunnerToStop> = {}, using: Partial<typeof gitlab> = {}) => {
    const toStop = { job, attempt: 1, type: 'EC2', runnerId, instanceId: null, reason: 'r', ...asked } as const;
    return drainRunner(toStop, { gitlab: { ...gitlab, ...using }, store, now: () => testStart }, lambdaContext());
  };
  return { gitlab, store, runnerId, drain, item: () => store.items.get(job) };
}

it('a runner of which GitLab has said that its one job is over is not paused, and looked at once more', async () => {
  const store = inMemoryRunnersStore(runnerItem({ state: 'RUNNING', runnerId: 501, takenJob: 'job#7#1' }));
  const pauseRunner = () => Promise.reject(new Error('paused the runner'));
  const jobsOf = async () => [{ projectId: 7, jobId: 1, status: 'success' }];
  const ports = { store, gitlab: { pauseRunner, jobsOf }, now: () => testStart };
  const found = runnerToStopOf(runnerItem(), { reason: 'its job is over', hadItsJob: true });
  expect(await drainRunner(found, ports, lambdaContext())).toMatchObject({ verdict: 'STOP', runnerId: 501 });
  expect(store.items.get('job#7#1')).toMatchObject({ state: 'STOPPING', takenJob: 'job#7#1' });
});

describe('an idle runner', () => {
  it.each(['REGISTERED', 'LAUNCHED', 'RUNNING'] as const)(
    'that is %s may go, and gets no job any more',
    async (state) => {
      const { gitlab, runnerId, drain, item } = await world({ state });
      gitlab.setJob({ id: 2 });
      expect(await drain()).toMatchObject({ verdict: 'STOP', instanceId: 'i-1' });
      expect(item()).toMatchObject({ state: 'STOPPING' });
      expect(gitlab.giveJobTo(runnerId)).toBeNull();
    },
  );

  it.each([
    ['REGISTERED', job],
    ['LAUNCHED', 'i-1'],
    ['LAUNCHED', 'random'],
  ] as const)('whose token nobody has may go without a question to GitLab: %s, %s', async (state, ticketId) => {
    const { gitlab, store, runnerId, drain, item } = await world({ state, ticketId });
    store.tickets.set(ticketId, { id: ticketId, token: 'glrt-fake-token', job, expiresAt: 1 });
    const never = () => Promise.reject(new Error('asked GitLab'));
    expect(await drain({}, { pauseRunner: never, jobsOf: never })).toMatchObject({ verdict: 'STOP', runnerId });
    expect(item()).toMatchObject({ state: 'STOPPING' });
    expect(store.tickets.size).toBe(0);
    expect(gitlab.runners.has(runnerId)).toBe(true);
  });

  it('whose host has claimed its ticket is looked at in GitLab', async () => {
    const { gitlab, runnerId, drain } = await world({ state: 'LAUNCHED', ticketId: 'i-1' });
    gitlab.setJob({ id: 2, status: 'running', runnerId });
    expect(await drain()).toMatchObject({ verdict: 'KEEP' });
  });

  it.each([false, true])('that had a job of which nobody told has it noted (force: %s)', async (force) => {
    const { gitlab, runnerId, drain, item } = await world();
    gitlab.setJob({ id: 2, status: 'canceled', runnerId });
    gitlab.setJob({ id: 3, status: 'success', runnerId });
    expect(await drain({ force })).toMatchObject({ verdict: 'STOP' });
    expect(item()).toMatchObject({ state: 'STOPPING', takenJob: 'job#7#3' });
  });

  it('that GitLab gives a job just now has not had that one yet', async () => {
    const { gitlab, runnerId, drain, item } = await world();
    gitlab.setJob({ id: 2, status: 'pending', runnerId });
    expect(await drain()).toMatchObject({ verdict: 'STOP' });
    expect(item()).not.toHaveProperty('takenJob');
  });

  it.each([false, true])('keeps the job that it is known to have had (force: %s)', async (force) => {
    const { gitlab, runnerId, drain, item } = await world({ state: 'RUNNING', takenJob: 'job#7#2' });
    gitlab.setJob({ id: 3, status: 'canceled', runnerId });
    await drain({ force });
    expect(item()).toMatchObject({ state: 'STOPPING', takenJob: 'job#7#2' });
  });

  it('may go when it is gone from GitLab already', async () => {
    const { gitlab, runnerId, drain, item } = await world();
    await gitlab.removeRunner(runnerId);
    expect(await drain()).toMatchObject({ verdict: 'STOP', instanceId: 'i-1' });
    expect(item()).toMatchObject({ state: 'STOPPING' });
  });

  it('that another event began to stop is stopped to its end', async () => {
    const { drain } = await world({ state: 'STOPPING' });
    expect(await drain()).toMatchObject({ verdict: 'STOP', instanceId: 'i-1' });
  });

  it('tells the instance that it got since it was found', async () => {
    const { drain } = await world({ instanceId: 'i-later' });
    expect(await drain({ instanceId: null })).toMatchObject({ instanceId: 'i-later' });
  });

  it('of a Lambda has no instance', async () => {
    const { drain, store } = await world();
    store.items.set(job, runnerItem({ state: 'LAUNCHED', type: 'LAMBDA', runnerId: 101 }));
    expect(await drain({ type: 'LAMBDA' })).toMatchObject({ verdict: 'STOP', instanceId: null });
  });
});

describe('a busy runner', () => {
  it.each(['REGISTERED', 'LAUNCHED', 'RUNNING'] as const)(
    'that is %s is kept, and bound to the job on it',
    async (state) => {
      const { gitlab, runnerId, drain, item } = await world({ state, takenJob: 'job#7#1' });
      gitlab.setJob({ id: 2, status: 'running', runnerId });
      expect(await drain()).toMatchObject({ verdict: 'KEEP', instanceId: null });
      expect(item()).toMatchObject({ state: 'RUNNING', takenJob: 'job#7#2', pickedUpAt: '2030-01-01T00:00:00.000Z' });
      expect(gitlab.runners.has(runnerId)).toBe(true);
    },
  );

  it('is kept while GitLab waits for it to cancel its job, which nobody else would end', async () => {
    const { gitlab, runnerId, drain, item } = await world();
    gitlab.setJob({ id: 2, status: 'canceling', runnerId });
    expect(await drain()).toMatchObject({ verdict: 'KEEP' });
    expect(item()).toMatchObject({ state: 'RUNNING', takenJob: 'job#7#2' });
  });

  it('is kept when the job slips in just before it is paused', async () => {
    const { gitlab, drain, item } = await world();
    gitlab.setJob({ id: 2 });
    const verdict = await drain(
      {},
      {
        async pauseRunner(runnerId: number) {
          gitlab.giveJobTo(runnerId);
          return gitlab.pauseRunner(runnerId);
        },
      },
    );
    expect(verdict).toMatchObject({ verdict: 'KEEP' });
    expect(item()).toMatchObject({ state: 'RUNNING', takenJob: 'job#7#2' });
  });

  it('is kept even when our table calls it stopping already', async () => {
    const { gitlab, runnerId, drain, item } = await world({ state: 'STOPPING' });
    gitlab.setJob({ id: 2, status: 'running', runnerId });
    expect(await drain()).toMatchObject({ verdict: 'KEEP' });
    expect(item()).toMatchObject({ state: 'STOPPING' });
  });
});

describe('a runner that has ended', () => {
  it.each(['RELEASED', 'FAILED'] as const)('leaves nothing to do: %s', async (state) => {
    const { drain, item } = await world({ state });
    const before = item();
    expect(await drain()).toMatchObject({ verdict: 'DONE', instanceId: null });
    expect(item()).toEqual(before);
  });

  it('and has a successor leaves that one alone', async () => {
    const { drain, item } = await world({ state: 'LAUNCHED', attempt: 2, runnerId: 999 });
    const before = item();
    expect(await drain({ attempt: 1 })).toMatchObject({ verdict: 'DONE', instanceId: null });
    expect(item()).toEqual(before);
  });

  it('and has a successor that is stopping leaves that one alone', async () => {
    const { drain } = await world({ state: 'STOPPING', attempt: 2 });
    expect(await drain({ attempt: 1 })).toMatchObject({ verdict: 'DONE', instanceId: null });
  });

  it('and of which no item is left leaves nothing to do', async () => {
    const { drain, store } = await world();
    store.items.clear();
    expect(await drain()).toMatchObject({ verdict: 'DONE', instanceId: null });
  });
});

describe('a runner that is just being registered', () => {
  const registering = { event: pendingJob(), choice: choice(), attempt: 1 };

  it('is stopped before it exists: its registration finds that and takes itself back', async () => {
    const { gitlab, store, runnerId, drain } = await world();
    await gitlab.removeRunner(runnerId);
    store.items.set(job, runnerItem());
    expect(await drain({ runnerId: null })).toMatchObject({ verdict: 'STOP', instanceId: null });
    const ports = { deployment: 'ci', gitlab, store, now: () => testStart, randomId: () => 'x' };
    await expect(registerRunner(registering, ports, lambdaContext())).rejects.toThrow();
    expect(gitlab.runners.size).toBe(0);
    expect(store.tickets.size).toBe(0);
  });

  it('is paused too when its registration came first, so that no job is lost on it', async () => {
    const { gitlab, runnerId, drain } = await world({ state: 'REGISTERED' });
    const { verdict } = await drain({ runnerId: null });
    if (verdict === 'STOP') expect(gitlab.runners.get(runnerId)).toMatchObject({ paused: true });
    else expect(gitlab.runners.has(runnerId)).toBe(true);
  });

  it('is paused too when its registration comes between the look and the mark', async () => {
    const { gitlab, store, runnerId } = await world({ state: 'REGISTERED' });
    const registered = store.items.get(job) as RunnerItem;
    store.items.set(job, runnerItem());
    const read = async () => {
      const item = await store.read(job);
      store.items.set(job, registered);
      return item;
    };
    const toStop = { job, attempt: 1, type: 'EC2', runnerId: null, instanceId: null, reason: 'r' } as const;
    const ports = { gitlab, store: { ...store, read }, now: () => testStart };
    const verdict = await drainRunner(toStop, ports, lambdaContext());
    expect(verdict).toMatchObject({ verdict: 'STOP', runnerId });
    expect(gitlab.runners.get(runnerId)).toMatchObject({ paused: true });
  });

  it('keeps the job that it took since it was found', async () => {
    const { gitlab, runnerId, drain } = await world({ state: 'REGISTERED' });
    gitlab.setJob({ id: 2, status: 'running', runnerId });
    expect((await drain({ runnerId: null })).verdict).not.toBe('STOP');
  });
});

describe('when something fails', () => {
  it('nothing is marked as stopping before GitLab has answered', async () => {
    const { drain, item } = await world();
    const down = Object.assign(new Error('no answer'), { name: 'GitLabUnavailableError' });
    await expect(drain({}, { pauseRunner: () => Promise.reject(down) })).rejects.toBe(down);
    await expect(drain({}, { jobsOf: () => Promise.reject(down) })).rejects.toBe(down);
    expect(item()).toMatchObject({ state: 'LAUNCHED' });
  });
});
