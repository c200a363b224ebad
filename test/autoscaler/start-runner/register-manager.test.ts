import { describe, expect, it } from 'vitest';
import type { LongLivedRunner } from '../../../autoscaler/demand/long-lived-runner.ts';
import type { RunnerChoice } from '../../../autoscaler/runner-store/runner-item.ts';
import type { RunnersStore } from '../../../autoscaler/runner-store/runners-store.ts';
import { registerRunner } from '../../../autoscaler/start-runner/register-runner.lambda.ts';
import { choice, pendingJob, runnerItem, testStart } from '../../support/builders.ts';
import { inMemoryGitLab, tokenWord } from '../../support/in-memory-gitlab.ts';
import { inMemoryLongLivedRunners } from '../../support/in-memory-long-lived-runners.ts';
import { inMemoryRunnersStore } from '../../support/in-memory-runners-store.ts';
import { lambdaContext } from '../../support/lambda-context.ts';

const job = 'job#7#1';

function world(runner: Partial<LongLivedRunner> = {}, changes: Parameters<typeof runnerItem>[0] = {}) {
  const gitlab = inMemoryGitLab();
  const longLived = inMemoryLongLivedRunners(gitlab);
  const { runnerId, token } = longLived.bring('shared', { tags: ['docker', 'linux'], runUntagged: false, ...runner });
  const store = inMemoryRunnersStore(runnerItem(changes));
  const context = lambdaContext();
  const register = (
    { profile = 'shared', tags = ['docker'], ...more }: Partial<RunnerChoice> = {},
    using: RunnersStore = store,
  ) =>
    registerRunner(
      { event: pendingJob(), choice: choice({ profile, tags: [...tags], ...(more as object) }), attempt: 1 },
      { deployment: 'ci', gitlab, longLived, store: using, now: () => testStart, randomId: () => 'random-id' },
      context,
    );
  return { gitlab, store, register, runnerId, token, lines: context.lines };
}

describe('a profile that brings a long-lived runner', () => {
  it('gets none made in GitLab: the item names the runner as one of many hosts would', async () => {
    const { gitlab, store, register, runnerId } = world();
    await register();
    expect(gitlab.runners.size).toBe(0);
    expect(store.items.get(job)).toMatchObject({ state: 'REGISTERED', managerOf: runnerId, ticketId: job });
    expect(store.items.get(job)).not.toHaveProperty('runnerId');
    expect(await store.readByRunnerId(runnerId)).toBeNull();
  });

  it('leaves its token as a ticket that tells the host to remove only itself', async () => {
    const { store, register, token } = world();
    await register();
    expect([...store.tickets.values()]).toMatchObject([{ id: job, token, job, mode: 'manager' }]);
  });

  it('says the token nowhere else', async () => {
    const { store, register, lines } = world();
    const answer = await register();
    expect(JSON.stringify([answer, [...store.items.values()], lines])).not.toContain(tokenWord);
    expect(JSON.stringify([...store.tickets.values()])).toContain(tokenWord);
  });

  it('leaves the jobs of other profiles as they were', async () => {
    const { gitlab, store, register } = world();
    await register({ profile: 'default' });
    expect(gitlab.runners.size).toBe(1);
    expect(store.items.get(job)).not.toHaveProperty('managerOf');
    expect([...store.tickets.values()][0]).not.toHaveProperty('mode');
  });

  it.each([
    ['tags that the runner has not', {}, ['gpu'], /runner 900 of profile "shared" would never take job 1: .*tags gpu/],
    ['no tags, which the runner does not run', {}, [], /no tags/],
    ['a runner that is paused', { isPaused: true as const }, ['docker'], /it is paused in GitLab; resume it there/],
    [
      'a ref that is not protected, on a runner that is',
      { accessLevel: 'ref_protected' as const },
      ['docker'],
      /it is protected in GitLab, and the job's branch or tag is not/,
    ],
    ['a project that is not the runner’s', { projectIds: [8] }, ['docker'], /no runner of project 7/],
  ])('refuses a job with %s, before anything is written', async (_, runner, tags, why) => {
    const { store, register } = world(runner);
    await expect(register({ tags })).rejects.toMatchObject({
      name: 'LongLivedRunnerError',
      message: expect.stringMatching(why),
    });
    expect(store.items.get(job)).toEqual(runnerItem());
    expect(store.tickets.size).toBe(0);
  });

  it('takes a job of a protected ref on a runner that is protected', async () => {
    const { gitlab, store, register } = world({ accessLevel: 'ref_protected' });
    gitlab.protectedRefs.add(pendingJob().ref);
    await register({ accessLevel: 'ref_protected' });
    expect(store.items.get(job)).toMatchObject({ state: 'REGISTERED' });
  });

  it('refuses a runner of every ref for a profile of protected ones, whose role it would give away', async () => {
    const { store, register } = world();
    await expect(register({ accessLevel: 'ref_protected' })).rejects.toThrow(
      /takes jobs of every branch, and the profile says accessLevel "ref_protected": protect the runner in GitLab/,
    );
    expect(store.tickets.size).toBe(0);
  });

  it('answers the same again when its answer was lost, and leaves one ticket', async () => {
    const { store, register } = world();
    const first = await register();
    expect(await register()).toEqual(first);
    expect([...store.tickets.keys()]).toEqual([job]);
  });

  it('whose job ended meanwhile leaves no ticket, and nothing to take back in GitLab', async () => {
    const { gitlab, store, register } = world({}, { state: 'RELEASED' });
    gitlab.removeRunner = () => Promise.reject(new Error('removed a runner'));
    await expect(register()).rejects.toMatchObject({ name: 'RunnerStateChangedError' });
    expect(store.tickets.size).toBe(0);
  });
});
