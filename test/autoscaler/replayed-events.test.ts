import { describe, expect, it } from 'vitest';
import { bindRunner } from '../../autoscaler/bind-runner/bind-runner.lambda.ts';
import { findInterruptedRunner } from '../../autoscaler/interrupt-runner/find-interrupted-runner.lambda.ts';
import { abandonRunner } from '../../autoscaler/start-runner/abandon-runner.lambda.ts';
import { chooseRunner } from '../../autoscaler/start-runner/choose-runner.lambda.ts';
import { findRunner } from '../../autoscaler/stop-runner/find-runner.lambda.ts';
import { finishedJob, jobMapping, pendingJob, runnerItem, runningJob, testStart } from '../support/builders.ts';
import { inMemoryBus } from '../support/in-memory-bus.ts';
import { inMemoryGitLab } from '../support/in-memory-gitlab.ts';
import { inMemoryInstances } from '../support/in-memory-instances.ts';
import { inMemoryOutageMark } from '../support/in-memory-outage-mark.ts';
import { inMemoryRunnersStore } from '../support/in-memory-runners-store.ts';
import { lambdaContext } from '../support/lambda-context.ts';

const at = new Date(testStart).toISOString();
const wait = { error: 'GitLabUnavailableError', message: 'no answer', since: at, lookAt: at, looks: 1 };

/** Long after the jobs: our tables have forgotten them. */
function forgotten(status: string) {
  const gitlab = inMemoryGitLab();
  gitlab.setJob({ id: 1, status, runnerId: 55 });
  const store = inMemoryRunnersStore();
  const now = () => testStart + 30 * 24 * 60 * 60_000;
  return { gitlab, store, now, context: lambdaContext() };
}

describe('an event of the archive, replayed when its job is long over and forgotten', () => {
  it.each(['success', 'failed', 'canceled', 'running'])('starts no runner for a job that is %s', async (status) => {
    const { gitlab, store, now, context } = forgotten(status);
    const offer = {
      profiles: { default: { type: 'EC2' as const, timeoutMinutes: 60 } },
      defaultRunner: { type: 'IGNORE' as const },
    };
    const mappings = { read: async () => ({ mappings: [jobMapping()], invalid: [] }) };
    expect(
      await chooseRunner(
        pendingJob(),
        {
          ...{ gitlab, store, mappings, offer, bus: inMemoryBus(), now },
          isAllowed: () => ({ allowed: true }),
          projects: { forgetProject: async () => {} },
        },
        context,
      ),
    ).toMatchObject({
      decision: 'IGNORE',
    });
  });

  it('of a job that ran or ended changes nothing', async () => {
    const { store, gitlab: jobs, now, context } = forgotten('success');
    const bus = inMemoryBus();
    await bindRunner(runningJob({ runnerId: 55 }), { store, bus, jobs, findPlace: async () => null, now }, context);
    expect(bus.told).toEqual([]);
    expect(await findRunner(finishedJob({ runnerId: 55 }), { store, jobs, bus, now }, context)).toEqual({
      runners: [],
      mend: null,
    });
    expect(store.items.size).toBe(0);
  });

  it('of a runner that failed or was unwanted changes nothing', async () => {
    const { store, gitlab, now, context } = forgotten('success');
    const failed = { projectId: 7, jobId: 1, attempt: 1, event: null, error: 'NoCapacityError', cause: '' };
    const [outages, bus] = [inMemoryOutageMark(), inMemoryBus()];
    const ports = {
      store,
      gitlab,
      outages,
      instances: inMemoryInstances(),
      bus,
      now,
      maxAttempts: 3,
      random: () => 0.5,
    };
    expect(await abandonRunner(failed, ports, context)).toMatchObject({ retry: null, next: [] });
    const unwanted = {
      kind: 'runner-unwanted',
      projectId: 7,
      jobId: 1,
      attempt: 1,
      reason: 'idle',
      force: true,
    } as const;
    expect(await findInterruptedRunner(unwanted, { store, stateReasonOf: async () => null }, context)).toEqual({
      runners: [],
      mend: null,
    });
    expect(store.items.size).toBe(0);
  });
});

describe('an event of the archive that is not true, or not any more', () => {
  const theirs = runnerItem({ jobId: 2, state: 'LAUNCHED', runnerId: 502 });
  const waiting = runnerItem({ jobId: 1, state: 'WAITING', profile: '', waitsFor: { ...wait } });
  const choosing = (world: ReturnType<typeof forgotten>, isAllowed: (path: string | null) => boolean) => {
    const offer = {
      profiles: { default: { type: 'EC2' as const, timeoutMinutes: 60 } },
      defaultRunner: { type: 'IGNORE' as const },
    };
    const forgotProjects: number[] = [];
    const ports = {
      ...world,
      mappings: { read: async () => ({ mappings: [jobMapping()], invalid: [] }) },
      offer,
      bus: inMemoryBus(),
      isAllowed: (path: string | null) =>
        isAllowed(path) ? ({ allowed: true } as const) : ({ allowed: false, reason: 'not on the list' } as const),
      projects: { forgetProject: async (id: number) => void forgotProjects.push(id) },
    };
    return { forgotProjects, choose: () => chooseRunner(pendingJob(), ports, world.context) };
  };

  it('starts nothing for a project that was deleted, and lets its job wait no longer', async () => {
    const world = forgotten('pending');
    world.gitlab.jobs.clear();
    await world.store.write({ kind: 'put', item: waiting, over: null });
    expect(await choosing(world, () => true).choose()).toMatchObject({ decision: 'IGNORE' });
    expect(world.store.items.get(waiting.pk)).toMatchObject({ state: 'RELEASED' });
  });

  it('starts nothing for a project that moved off the list, whatever path the event says, and forgets it', async () => {
    const world = forgotten('pending');
    world.gitlab.setJob({ id: 1, projectPath: 'elsewhere/project' });
    const { forgotProjects, choose } = choosing(world, (path) => path?.startsWith('group/') ?? false);
    expect(await choose()).toMatchObject({ decision: 'IGNORE' });
    expect(forgotProjects).toEqual([7]);
  });

  it.each([
    ['running', runningJob],
    ['over', finishedJob],
  ])('does nothing to the runner that it names, of another job, for one that is %s', async (_, told) => {
    const { gitlab, store, now, context } = forgotten('success');
    gitlab.setJob({ id: 1, runnerId: null });
    await store.write({ kind: 'put', item: theirs, over: null });
    const bus = inMemoryBus();
    const event = told({ runnerId: 502, projectPath: 'strangers/project', occurredAt: '2001-01-01T00:00:00.000Z' });
    const ports = { store, bus, jobs: gitlab, findPlace: async () => null, now };
    await bindRunner(event, ports, context);
    expect((await findRunner(event, ports, context)).runners).toEqual([]);
    expect(store.items.get(theirs.pk)).toEqual(theirs);
    expect(bus.told).toEqual([]);
  });
});
