import { describe, expect, it } from 'vitest';
import { runnerItem } from '../../../support/builders.ts';
import { reconcileWorld } from '../reconcile-world.ts';

/** A reconciler of an account with this limit; `asked` and `written` say what it did about it. */
function world(unreserved: number, items = [runnerItem({ state: 'WAITING', caps: [] })]) {
  const account = { unreserved, asked: 0, written: [] as number[], failure: null as Error | null };
  const lambdaLimit = {
    async ask() {
      account.asked += 1;
      if (account.failure) throw account.failure;
      return account.unreserved;
    },
    async write(limit: number) {
      account.written.push(limit);
    },
  };
  const inner = reconcileWorld(items, { lambdaLimit });
  return { ...inner, account };
}
const startsIn = ({ told }: ReturnType<typeof world>) =>
  told.filter(({ type }) => type === 'Job Pending').map(({ detail }) => (detail as { jobId: number }).jobId);

describe('the limit of the account’s functions', () => {
  it('is asked for every five minutes, and written down when it has changed', async () => {
    const reconciler = world(10);
    await reconciler.pass(10);
    expect(reconciler.account).toMatchObject({ asked: 2, written: [10] });
    reconciler.account.unreserved = 1_000;
    await reconciler.pass(5);
    expect(reconciler.account.written).toEqual([10, 1_000]);
  });

  it('lets the jobs start that wait by the limit of the time when they came, once it is raised', async () => {
    const caps = [{ counter: 'cap#lambda', limit: 5 }];
    const waiting = [6, 7].map((jobId) => runnerItem({ jobId, type: 'LAMBDA', state: 'WAITING', caps }));
    const reconciler = world(10, waiting);
    reconciler.store.counters.set('cap#lambda', 5);
    for (const { event } of waiting) reconciler.gitlab.setJob({ id: event.jobId });
    await reconciler.pass(4);
    expect(startsIn(reconciler)).toEqual([]);
    reconciler.account.unreserved = 50;
    await reconciler.pass(5);
    expect(new Set(startsIn(reconciler))).toEqual(new Set([6, 7]));
  });

  it('stays the last known one while it cannot be read, which stops nothing else', async () => {
    const reconciler = world(50);
    await reconciler.pass(5);
    reconciler.account.failure = new Error('AccessDeniedException: not yours');
    await reconciler.pass(5);
    expect(reconciler.memory.memory().lambdaLimit).toMatchObject({ unreserved: 50 });
    const { lines } = reconciler.context;
    expect(lines.filter(({ message }) => String(message).startsWith('the limit of the account'))).toHaveLength(1);
  });

  it('is nobody’s business where no profile is a function', async () => {
    const { pass, memory } = reconcileWorld([runnerItem({ state: 'WAITING' })]);
    await pass();
    expect(memory.memory()).not.toHaveProperty('lambdaLimit');
  });
});
