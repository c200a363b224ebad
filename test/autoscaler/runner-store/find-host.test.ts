import { describe, expect, it } from 'vitest';
import { bindRunner } from '../../../autoscaler/bind-runner/bind-runner.lambda.ts';
import { findHost } from '../../../autoscaler/runner-store/find-host.ts';
import type { RunnerItem } from '../../../autoscaler/runner-store/runner-item.ts';
import { finishedJob, runnerItem, runningJob, testStart } from '../../support/builders.ts';
import { inMemoryBus } from '../../support/in-memory-bus.ts';
import { inMemoryGitLab } from '../../support/in-memory-gitlab.ts';
import { inMemoryRunnersStore } from '../../support/in-memory-runners-store.ts';
import { lambdaContext } from '../../support/lambda-context.ts';

const host = (jobId: number, changes: Partial<RunnerItem> = {}) =>
  runnerItem({ jobId, state: 'LAUNCHED', managerOf: 900, instanceId: `i-000${jobId}`, ...changes });

function world(...items: readonly RunnerItem[]) {
  const gitlab = inMemoryGitLab();
  const store = inMemoryRunnersStore(...items);
  return { gitlab, store, ports: { gitlab, store, now: () => testStart } };
}

describe('the host of a job on a long-lived runner', () => {
  it('is the one that GitLab names, of all hosts of that runner', async () => {
    const { gitlab, ports } = world(host(1), host(2), host(3));
    gitlab.setJob({ id: 1, status: 'running', runnerId: 900, systemId: 's_000000000002' });
    expect(await findHost(runningJob({ jobId: 1, runnerId: 900 }), ports)).toMatchObject({ pk: 'job#7#2' });
  });

  it('is known without asking once it is bound, also when GitLab has forgotten it', async () => {
    const { ports } = world(host(1), host(2, { state: 'RUNNING', takenJob: 'job#7#1' }));
    const gitlab = { readJob: () => Promise.reject(new Error('asked GitLab')) };
    const found = await findHost(finishedJob({ jobId: 1, runnerId: 900 }), { ...ports, gitlab });
    expect(found).toMatchObject({ pk: 'job#7#2' });
  });

  it.each([
    ['a host of somebody else has it', { runnerId: 900, systemId: 'r_somebodyelse' }],
    ['GitLab has forgotten the host', { runnerId: 900, systemId: null }],
  ])('is none of ours when %s', async (_, known) => {
    const { gitlab, ports } = world(host(1), host(2));
    gitlab.setJob({ id: 1, status: 'running', ...known });
    expect(await findHost(runningJob({ jobId: 1, runnerId: 900 }), ports)).toBeNull();
  });

  it('is not looked for on a runner that has no host of ours', async () => {
    const { ports } = world(host(1));
    const gitlab = { readJob: () => Promise.reject(new Error('asked GitLab')) };
    expect(await findHost(runningJob({ jobId: 1, runnerId: 901 }), { ...ports, gitlab })).toBeNull();
  });

  it('is not looked for where no profile brings a runner', async () => {
    const { store } = world(host(1));
    const readLiveOf = () => Promise.reject(new Error('read live items'));
    expect(await findHost(runningJob({ jobId: 1, runnerId: 900 }), { store: { ...store, readLiveOf } })).toBeNull();
  });
});

it('a running job binds the host that took it, and no other host of its runner', async () => {
  const { gitlab, store, ports } = world(host(1), host(2));
  gitlab.setJob({ id: 1, status: 'running', runnerId: 900, systemId: 's_000000000002' });
  await bindRunner(
    runningJob({ jobId: 1, runnerId: 900 }),
    { ...ports, jobs: gitlab, bus: inMemoryBus(), findPlace: async () => null },
    lambdaContext(),
  );
  expect(store.items.get('job#7#2')).toMatchObject({ state: 'RUNNING', takenJob: 'job#7#1', jobState: 'PENDING' });
  expect(store.items.get('job#7#1')).toMatchObject({ state: 'LAUNCHED', jobState: 'RUNNING' });
  expect(store.items.get('job#7#1')).not.toHaveProperty('takenJob');
});
