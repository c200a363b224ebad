import { describe, expect, it } from 'vitest';
import { unregisterRunner } from '../../../autoscaler/stop-runner/unregister-runner.lambda.ts';
import { inMemoryGitLab } from '../../support/in-memory-gitlab.ts';
import { inMemoryLongLivedRunners } from '../../support/in-memory-long-lived-runners.ts';
import { lambdaContext } from '../../support/lambda-context.ts';

const toStop = { job: 'job#7#1', attempt: 1, type: 'EC2', runnerId: 101, instanceId: null, reason: 'r' } as const;
const runner = { description: 'd', maintenanceNote: 'n', projectId: 7, tags: [], maximumTimeoutSeconds: 3_600 };

describe('unregisterRunner', () => {
  it('removes the runner from GitLab, and no other', async () => {
    const gitlab = inMemoryGitLab();
    await gitlab.createRunner(runner);
    await gitlab.createRunner(runner);
    await unregisterRunner(toStop, { gitlab }, lambdaContext());
    expect([...gitlab.runners.keys()]).toEqual([102]);
  });

  it('takes a runner that is gone for removed', async () => {
    const context = lambdaContext();
    await unregisterRunner(toStop, { gitlab: inMemoryGitLab() }, context);
    expect(context.lines).toMatchObject([{ message: expect.stringContaining('already gone') }]);
  });

  it('has nothing to do for a runner that was never registered', async () => {
    const gitlab = { removeRunner: () => Promise.reject(new Error('asked GitLab')) };
    await expect(unregisterRunner({ ...toStop, runnerId: null }, { gitlab }, lambdaContext())).resolves.toBeUndefined();
  });

  it('removes a host alone from a long-lived runner', async () => {
    const gitlab = inMemoryGitLab();
    const longLived = inMemoryLongLivedRunners(gitlab);
    const { runnerId } = longLived.bring('shared');
    for (const instanceId of ['i-0001', 'i-0002']) longLived.giveJobTo(runnerId, instanceId);
    const manager = { profile: 'shared', systemId: 's_000000000001' };
    const removeRunner = () => Promise.reject(new Error('removed a runner'));
    const stop = { ...toStop, runnerId: null, instanceId: 'i-0001', manager };
    await unregisterRunner(stop, { gitlab: { removeRunner }, longLived }, lambdaContext());
    // Once more: what is gone is success.
    await unregisterRunner(stop, { gitlab: { removeRunner }, longLived }, lambdaContext());
    expect([...(longLived.hosts.get(runnerId) ?? [])]).toEqual(['s_000000000002']);
  });

  it('lets GitLab’s refusal through', async () => {
    const refused = Object.assign(new Error('403'), { name: 'GitLabRefusedError' });
    const gitlab = { removeRunner: () => Promise.reject(refused) };
    await expect(unregisterRunner(toStop, { gitlab }, lambdaContext())).rejects.toBe(refused);
  });
});
