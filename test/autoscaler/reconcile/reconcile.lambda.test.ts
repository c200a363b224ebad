import { describe, expect, it } from 'vitest';
import { reconcile } from '../../../autoscaler/reconcile/reconcile.lambda.ts';
import { holdTag } from '../../../autoscaler/runner-types/ec2/instance-tags.ts';
import { launchRequestSchema } from '../../../autoscaler/runner-types/ec2/launch-request.ts';
import {
  GitLabLimitError,
  GitLabRefusedError,
  GitLabTokenRefusedError,
  GitLabUnavailableError,
} from '../../../infrastructure/gitlab/gitlab-errors.ts';
import { runnerItem } from '../../support/builders.ts';
import { reconcileWorld } from './reconcile-world.ts';

/** Rejects, as a call that fails does. */
const failing = (error: Error) => () => Promise.reject(error);

describe('a job whose hook was lost', () => {
  it('is started when its project is known', async () => {
    const world = reconcileWorld();
    await world.memory.noteProject({ projectId: 7, path: 'group/project' }, '2030-01-02');
    world.gitlab.setJob({ id: 5, status: 'pending', tags: ['docker'] });
    await world.pass(2);
    expect(world.told).toMatchObject([
      { type: 'Job Pending', detail: { jobId: 5, projectId: 7, projectPath: 'group/project', status: 'pending' } },
    ]);
  });

  it.each([['group/project'], ['group/**'], ['group/*']])(
    'is started when the configuration names its project: %s',
    async (pattern) => {
      const world = reconcileWorld([], { projects: [pattern] });
      world.gitlab.setJob({ id: 5, status: 'pending' });
      await world.pass(2);
      expect(world.told).toMatchObject([{ type: 'Job Pending', detail: { jobId: 5 } }]);
    },
  );

  it('is found within seven minutes in an idle deployment', async () => {
    const world = reconcileWorld();
    await world.memory.noteProject({ projectId: 7, path: 'group/project' }, '2030-01-02');
    await world.pass(2);
    world.gitlab.setJob({ id: 5, status: 'pending' });
    await world.pass(6);
    expect(world.told).not.toEqual([]);
  });

  it('is found among more projects than one pass can look at', async () => {
    const world = reconcileWorld();
    for (let projectId = 1; projectId <= 200; projectId += 1)
      await world.memory.noteProject({ projectId, path: null }, '2030-01-02');
    world.gitlab.setJob({ id: 5, projectId: 199, status: 'pending' });
    await world.pass(10);
    expect(world.told[0]).toMatchObject({ type: 'Job Pending', detail: { projectId: 199, jobId: 5 } });
  });
});

describe('a launch request that was lost', () => {
  const registeredAt = '2030-01-01T00:00:03.000Z';
  const registered = runnerItem({ state: 'REGISTERED', runnerId: 101, ticketId: 'job#7#1', registeredAt });

  it('is sent again as the workflow sends it', async () => {
    const world = reconcileWorld([registered]);
    world.clock.milliseconds = Date.parse(registeredAt) + 3 * 60_000;
    world.gitlab.setJob({ id: 1, status: 'pending' });
    await world.pass(2);
    expect(world.requested).toEqual([{ projectId: 7, jobId: 1, attempt: 1, profile: 'default', onDemandOnly: false }]);
    expect(launchRequestSchema.parse(world.requested[0])).toEqual(world.requested[0]);
    expect(world.told).toEqual([]);
  });

  it('is not sent again once the launcher tried', async () => {
    const world = reconcileWorld([registered]);
    world.clock.milliseconds = Date.parse(registeredAt) + 3 * 60_000;
    world.gitlab.setJob({ id: 1, status: 'pending' });
    await world.pass();
    await world.store.write({
      kind: 'update',
      job: 'job#7#1',
      from: ['REGISTERED'],
      set: { launchTriedAt: new Date(world.clock.milliseconds).toISOString() },
    });
    await world.pass(5);
    expect(world.requested).toEqual([]);
  });
});

describe('what nothing accounts for', () => {
  it('is removed when it is seen so twice', async () => {
    const world = reconcileWorld();
    world.strayInstance('i-9');
    const runnerId = await world.strayRunner('job#7#9');
    world.store.tickets.set('i-9', { id: 'i-9', token: 'glrt-fake', job: 'job#7#9', expiresAt: 1 });
    await world.pass();
    expect([world.instances.running.size, world.gitlab.runners.size, world.store.tickets.size]).toEqual([1, 1, 1]);
    await world.pass(2);
    expect([world.instances.running.size, world.gitlab.runners.has(runnerId), world.store.tickets.size]).toEqual([
      0,
      false,
      0,
    ]);
    expect(Object.keys(world.memory.memory().suspicions)).not.toHaveLength(0);
    await world.pass(2);
    expect(world.memory.memory().suspicions).toEqual({});
  });

  it('stays when its maintenance note is not ours, whatever its description says', async () => {
    const world = reconcileWorld();
    const runnerId = await world.strayRunner('job#7#9', 'gitlab-runners-on-demand deployment=other job#7#9 attempt=1');
    world.strayInstance('i-9');
    await world.pass(4);
    expect(world.gitlab.runners.has(runnerId)).toBe(true);
    expect(world.memory.memory().suspicions).toEqual({});
    expect(JSON.stringify(world.context.lines)).not.toContain('remove-runner');
    // A runner of somebody else's that works says nothing about our instances.
    expect(world.instances.running.size).toBe(0);
  });

  it('stays when its item is there after all: the index of live items lags behind the table', async () => {
    const item = runnerItem({ jobId: 9, state: 'REGISTERED', runnerId: 101 });
    const world = reconcileWorld([item]);
    expect(await world.strayRunner('job#7#9')).toBe(101);
    world.strayInstance('i-9');
    const behind = { ...world.ports, store: { ...world.store, readLive: async () => [] } };
    for (let pass = 0; pass < 3; pass += 1) {
      await reconcile({}, behind, world.context);
      world.clock.milliseconds += 60_000;
    }
    expect(world.gitlab.runners.has(101)).toBe(true);
  });

  it('stays, paused, while a job runs on it', async () => {
    const world = reconcileWorld();
    const runnerId = await world.strayRunner('job#7#9');
    const lying = {
      ...world.gitlab,
      ownRunners: async (start: string) =>
        (await world.gitlab.ownRunners(start)).map((one) => ({ ...one, busy: false })),
    };
    world.gitlab.setJob({ id: 5, status: 'running', runnerId });
    world.strayInstance('i-9');
    Object.assign(world.ports, { gitlab: lying });
    await world.pass(3);
    expect(world.gitlab.runners.get(runnerId)).toMatchObject({ paused: true });
  });
});

describe('a call that fails', () => {
  it('of one repair does not stop the others', async () => {
    const world = reconcileWorld();
    world.strayInstance('i-9');
    await world.strayRunner('job#7#9');
    Object.assign(world.ports, { instances: { ...world.instances, terminate: failing(new Error('throttled')) } });
    const [, second] = await world.pass(2);
    expect(second).toEqual({ repaired: 1, failed: 1 });
    expect(world.gitlab.runners.size).toBe(0);
    expect(world.context.lines).toContainEqual(
      expect.objectContaining({ Repairs: 1, RepairsFailed: 1, repairs: { 'remove-instance': 1, 'remove-runner': 1 } }),
    );
  });

  it('of EC2 leaves what GitLab and the tables say to be mended', async () => {
    const world = reconcileWorld();
    await world.memory.noteProject({ projectId: 7, path: 'group/project' }, '2030-01-02');
    world.gitlab.setJob({ id: 5, status: 'pending' });
    Object.assign(world.ports, { instances: { ...world.instances, listInstances: failing(new Error('throttled')) } });
    await world.pass(2);
    expect(world.told).toHaveLength(1);
  });

  it('because GitLab is down makes the pass ask no more, and removes nothing', async () => {
    const world = reconcileWorld([
      runnerItem({ state: 'RUNNING', runnerId: 101, instanceId: 'i-1', takenJob: 'job#7#1' }),
    ]);
    world.strayInstance('i-9');
    let asked = 0;
    const down = () => {
      asked += 1;
      return Promise.reject(new GitLabUnavailableError('no answer'));
    };
    Object.assign(world.ports, { gitlab: { ...world.gitlab, ownRunners: down, pendingJobs: down, readJob: down } });
    await world.pass(3);
    expect(asked).toBe(3);
    expect([...world.instances.running.keys()]).toEqual(['i-9']);
  });

  it.each([
    ['wants to be left alone', new GitLabLimitError('429')],
    ['does not know the access token', new GitLabTokenRefusedError('401')],
  ])('because GitLab %s makes the pass ask no more', async (_why, error) => {
    const world = reconcileWorld([runnerItem({ state: 'RUNNING', runnerId: 101, instanceId: 'i-1' })]);
    for (const projectId of [6, 7, 8]) await world.memory.noteProject({ projectId, path: null }, '2030-01-02');
    let asked = 0;
    const refuse = () => {
      asked += 1;
      return Promise.reject(error);
    };
    Object.assign(world.ports, {
      gitlab: { ...world.gitlab, ownRunners: refuse, pendingJobs: refuse, readJob: refuse },
    });
    await world.pass();
    expect(asked).toBe(1);
  });

  it.each([
    ['is not allowed', new GitLabRefusedError('403')],
    ['takes another scope', new GitLabTokenRefusedError('403 insufficient_scope', { forEveryCall: false })],
  ])('for one project, where the call %s, leaves the others looked at', async (_why, error) => {
    const world = reconcileWorld();
    for (const projectId of [6, 7]) await world.memory.noteProject({ projectId, path: null }, '2030-01-02');
    world.gitlab.setJob({ id: 5, status: 'pending' });
    const pendingJobs = async (projectId: number) => {
      if (projectId === 6) throw error;
      return world.gitlab.pendingJobs(projectId);
    };
    Object.assign(world.ports, { gitlab: { ...world.gitlab, pendingJobs } });
    await world.pass(2);
    expect(world.told).toMatchObject([{ detail: { projectId: 7 } }]);
  });
});

it('of two passes at the same time only one mends', async () => {
  const world = reconcileWorld();
  await world.memory.noteProject({ projectId: 7, path: 'group/project' }, '2030-01-02');
  world.gitlab.setJob({ id: 5, status: 'pending' });
  await world.pass();
  await Promise.all([reconcile({}, world.ports, world.context), reconcile({}, world.ports, world.context)]);
  expect(world.told).toHaveLength(1);
});

it('begins no repair without the time to end it', async () => {
  const world = reconcileWorld();
  await world.memory.noteProject({ projectId: 7, path: null }, '2030-01-02');
  world.gitlab.setJob({ id: 5, status: 'pending' });
  await world.pass();
  let remaining = 30_000;
  const slow = async (projectId: number) => {
    remaining = 5_000;
    return world.gitlab.pendingJobs(projectId);
  };
  const ports = { ...world.ports, gitlab: { ...world.gitlab, pendingJobs: slow } };
  const outcome = await reconcile({}, ports, { ...world.context, remainingMilliseconds: () => remaining });
  expect(outcome).toEqual({ repaired: 0, failed: 1 });
  expect(world.told).toEqual([]);
});

describe('a job that waits for no place', () => {
  const waitsFor = {
    error: 'GitLabLimitError',
    message: 'no more runners',
    since: '2030-01-01T00:00:00.000Z',
    lookAt: '2030-01-01T00:01:00.000Z',
    looks: 4,
  };
  const waiting = () => reconcileWorld([runnerItem({ state: 'WAITING', attemptBegun: true, waitsFor })]);

  it('is looked at also by a pass that has no time to ask GitLab everything', async () => {
    const world = waiting();
    await reconcile({}, world.ports, { ...world.context, remainingMilliseconds: () => 15_000 });
    expect(world.told).toMatchObject([{ type: 'Job Pending', detail: { jobId: 1, deliveryId: null } }]);
  });

  it('is not looked at while GitLab is away', async () => {
    const world = waiting();
    const down = () => Promise.reject(new GitLabUnavailableError('no answer'));
    Object.assign(world.ports, { gitlab: { ...world.gitlab, ownRunners: down, pendingJobs: down, readJob: down } });
    await world.pass(3);
    expect(world.told).toEqual([]);
  });
});

describe('what a pass says in its log', () => {
  it('is information, with its metrics, while a job waits that nothing was done for', async () => {
    const world = reconcileWorld();
    await world.memory.noteProject({ projectId: 7, path: 'group/project' }, '2030-01-02');
    world.gitlab.setJob({ id: 5, status: 'pending' });
    await world.pass(3);
    // The second and the third look ask for it; the fourth leaves time for what comes of it.
    const waits = world.context.lines.filter((line) => 'OldestWaitSeconds' in line);
    expect(waits.map(({ level }) => level)).toEqual(['error', 'error']);
    await world.pass();
    expect(world.context.lines.at(-1)).toMatchObject({ level: 'info', OldestWaitSeconds: 180 });
  });

  it('is information where a person holds instances back, and an error where nothing accounts for one', async () => {
    const world = reconcileWorld();
    world.strayInstance('i-9', { [holdTag]: 'look into it tomorrow' });
    await world.pass();
    expect(world.context.lines).toMatchObject([{ level: 'info', HeldInstances: 1, held: ['i-9'] }]);
    world.strayInstance('i-10');
    await world.pass();
    expect(world.context.lines.at(-1)).toMatchObject({ level: 'error', HeldInstances: 1, Unaccounted: 1 });
  });
});
