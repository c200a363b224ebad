import { describe, expect, it } from 'vitest';
import { isNoteOf } from '../../../autoscaler/runner-store/runner-mark.ts';
import type { RunnersStore } from '../../../autoscaler/runner-store/runners-store.ts';
import { registerRunner } from '../../../autoscaler/start-runner/register-runner.lambda.ts';
import { ticketLifeSeconds } from '../../../infrastructure/kit/runner-ticket.ts';
import { choice, pendingJob, runnerItem, testStart } from '../../support/builders.ts';
import { inMemoryGitLab, tokenWord } from '../../support/in-memory-gitlab.ts';
import { inMemoryRunnersStore } from '../../support/in-memory-runners-store.ts';
import { lambdaContext } from '../../support/lambda-context.ts';

function world(changes: Parameters<typeof runnerItem>[0] = {}) {
  const gitlab = inMemoryGitLab();
  const store = inMemoryRunnersStore(runnerItem(changes));
  const context = lambdaContext();
  const register = (
    { attempt = 1, ...given }: Parameters<typeof choice>[0] & { attempt?: number },
    using: RunnersStore = store,
  ) =>
    registerRunner(
      { event: pendingJob(), choice: choice({ tags: ['docker'], ...given }), attempt },
      { deployment: 'ci', gitlab, store: using, now: () => testStart, randomId: () => 'random-id' },
      context,
    );
  return { gitlab, store, register, lines: context.lines };
}
const only = <T>(values: Iterable<T>): T => {
  const [value, ...others] = values;
  if (value === undefined || others.length > 0) throw new Error(`expected one, found ${others.length + 1}`);
  return value;
};

describe('registerRunner', () => {
  it('makes a runner for the job’s project with exactly the job’s tags, which we recognise again', async () => {
    const { gitlab, register } = world();
    await register({ tags: ['docker', 'linux'] });
    const runner = only(gitlab.runners.values());
    expect(runner).toMatchObject({ projectId: 7, tags: ['docker', 'linux'], maximumTimeoutSeconds: 3_600 });
    expect(isNoteOf('ci', runner.maintenanceNote)).toBe(true);
    expect(runner.maintenanceNote).toContain('job#7#1 attempt=1');
  });

  it('makes a runner that GitLab keeps for protected refs, where the profile says so', async () => {
    const { gitlab, register } = world();
    await register({ accessLevel: 'ref_protected' });
    expect(only(gitlab.runners.values()).accessLevel).toBe('ref_protected');
  });

  it('notes the runner on the job’s item', async () => {
    const { store, register } = world();
    const { runnerId } = await register({});
    expect(store.items.get('job#7#1')).toMatchObject({
      state: 'REGISTERED',
      runnerId,
      ticketId: 'job#7#1',
      registeredAt: '2030-01-01T00:00:00.000Z',
    });
    expect(await store.readByRunnerId(runnerId)).toMatchObject({ pk: 'job#7#1' });
  });

  it.each([
    ['EC2', 'job#7#1'],
    ['LAMBDA', 'function#default#random-id'],
  ] as const)('leaves the token of an %s runner as a ticket under %s', async (type, ticketId) => {
    const { gitlab, store, register } = world();
    expect(await register({ type })).toEqual({ runnerId: 101, ticketId });
    expect([...store.tickets.values()]).toEqual([
      {
        id: ticketId,
        token: gitlab.runners.get(101)?.token,
        job: 'job#7#1',
        expiresAt: testStart / 1_000 + ticketLifeSeconds,
      },
    ]);
  });

  it('says the token nowhere else', async () => {
    const { store, register, lines } = world();
    const answer = await register({});
    expect(JSON.stringify([answer, [...store.items.values()], lines])).not.toContain(tokenWord);
    expect(JSON.stringify([...store.tickets.values()])).toContain(tokenWord);
  });
});

describe('a job that ended while its runner was being made', () => {
  it.each(['STOPPING', 'RELEASED', 'FAILED'] as const)('leaves no runner and no ticket: %s', async (state) => {
    const { gitlab, store, register } = world({ state });
    await expect(register({})).rejects.toMatchObject({ name: 'RunnerStateChangedError' });
    expect(gitlab.runners.size).toBe(0);
    expect(store.tickets.size).toBe(0);
    expect(store.items.get('job#7#1')).toEqual(runnerItem({ state }));
  });

  it('and is at another attempt keeps that one’s runner', async () => {
    const { gitlab, store, register } = world({ state: 'REGISTERED', attempt: 2, runnerId: 55, ticketId: 'job#7#1' });
    await expect(register({ attempt: 1 })).rejects.toMatchObject({ name: 'RunnerStateChangedError' });
    expect(gitlab.runners.size).toBe(0);
    expect(store.items.get('job#7#1')).toMatchObject({ attempt: 2, runnerId: 55 });
  });
});

describe('a step that is tried again because its answer was lost', () => {
  it('answers with the runner that it made, and leaves no second one', async () => {
    const { gitlab, store, register } = world();
    const first = await register({ type: 'LAMBDA' });
    expect(await register({ type: 'LAMBDA' })).toEqual(first);
    expect([...gitlab.runners.keys()]).toEqual([first.runnerId]);
    expect([...store.tickets.keys()]).toEqual(['function#default#random-id']);
  });

  it('names a runner that GitLab knows, when it was the store’s answer that was lost', async () => {
    const { gitlab, store, register } = world();
    const losing: RunnersStore = {
      ...store,
      async write(...parts) {
        await store.write(...parts);
        throw Object.assign(new Error('unknown outcome'), { name: 'InternalServerError' });
      },
    };
    await register({}, losing).catch(() => {});
    const { runnerId, ticketId } = await register({});
    expect([...gitlab.runners.keys()]).toEqual([runnerId]);
    expect(store.items.get('job#7#1')).toMatchObject({ state: 'REGISTERED', runnerId });
    expect(store.tickets.get(ticketId)?.token).toBe(gitlab.runners.get(runnerId)?.token);
  });

  it('leaves no runner behind when the store refuses for another reason', async () => {
    const { gitlab, store, register } = world();
    const down = Object.assign(new Error('slow down'), { name: 'ThrottlingException' });
    await expect(register({}, { ...store, write: () => Promise.reject(down) })).rejects.toBe(down);
    expect(gitlab.runners.size).toBe(0);
    expect(store.items.get('job#7#1')).toEqual(runnerItem());
  });
});
