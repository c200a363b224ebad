import { describe, expect, it } from 'vitest';
import { endRunner } from '../../../../autoscaler/end-runner/end-runner.ts';
import type { RunnersStore } from '../../../../autoscaler/runner-store/runners-store.ts';
import type { Instances } from '../../../../autoscaler/runner-types/ec2/fleet.ts';
import { LaunchThrottledError, PermanentLaunchError } from '../../../../autoscaler/runner-types/ec2/launch-errors.ts';
import { launchInstances, mostReceives } from '../../../../autoscaler/runner-types/ec2/launch-instances.lambda.ts';
import { groupLifeSeconds } from '../../../../autoscaler/runner-types/ec2/launch-plan.ts';
import { sourcesOf } from '../../../../autoscaler/runner-types/ec2/launch-source.ts';
import { ticketLifeSeconds } from '../../../../infrastructure/kit/runner-ticket.ts';
import { nameOf, testStart } from '../../../support/builders.ts';
import { tokenWord } from '../../../support/in-memory-gitlab.ts';
import { launchProfile, launchWorld } from './launch-world.ts';

describe('launch requests', () => {
  it('of one profile are one CreateFleet call, and each job gets its instance with its ticket', async () => {
    const world = launchWorld();
    world.request([1, 2, 3]);
    expect(await world.deliver()).toEqual([]);
    expect(world.instances.launches).toMatchObject([
      { count: 3, lifecycle: 'spot', source: { subnetIds: ['subnet-1', 'subnet-2'] } },
    ]);
    expect(world.given()).toEqual({ 'job#7#1': 'i-0001', 'job#7#2': 'i-0002', 'job#7#3': 'i-0003' });
    expect(world.faults()).toEqual([]);
    expect(world.queue.messages.size).toBe(0);
    expect(world.item(1)).toMatchObject({ ticketId: nameOf('i-0001'), launchedAt: '2030-01-01T00:00:00.000Z' });
  });

  it('of two profiles are two calls, each from its own launch template', async () => {
    const world = launchWorld();
    world.request([1, 3]);
    world.request([2], 'large');
    await world.deliver();
    const calls = world.instances.launches.map(({ source, count }) => [source.launchTemplateId, count]);
    expect(calls.sort()).toEqual([
      ['lt-1', 2],
      ['lt-2', 1],
    ]);
    expect(world.faults()).toEqual([]);
  });

  it('give instances that carry the tags by which they are found: profile and group', async () => {
    const world = launchWorld();
    world.request([1]);
    await world.deliver();
    const { id } = world.item(1)?.launchGroup ?? {};
    expect([...world.instances.running.values()]).toMatchObject([
      { tags: { 'gitlab-runners-on-demand:launch-group': id, 'gitlab-runners-on-demand:profile': 'default' } },
    ]);
  });

  it('keep tokens to the tickets', async () => {
    const world = launchWorld({ capacity: { spot: 1, 'on-demand': 0 } });
    world.request([1, 2]);
    await world.deliver();
    const said = [world.context.lines, world.instances.launches, [...world.queue.messages], [...world.store.items]];
    expect(JSON.stringify(said)).not.toContain(tokenWord);
    expect(JSON.stringify([...world.store.tickets.values()])).toContain(tokenWord);
  });

  it('let a new ticket’s time begin when the instance is there', async () => {
    const world = launchWorld();
    world.request([1]);
    await world.deliver();
    expect(world.store.tickets.get(nameOf('i-0001'))).toMatchObject({
      expiresAt: Date.parse('2030-01-01') / 1_000 + ticketLifeSeconds,
    });
  });
});

describe('capacity', () => {
  it('that spot lacks comes from on-demand, for the rest alone', async () => {
    const world = launchWorld({ capacity: { spot: 1 } });
    world.request([1, 2, 3]);
    expect(await world.deliver()).toEqual([]);
    const calls = world.instances.launches.map(({ lifecycle, count }) => [lifecycle, count]);
    expect(calls).toEqual([
      ['spot', 3],
      ['on-demand', 2],
    ]);
    expect(world.faults()).toEqual([]);
  });

  it.each([
    ['never', ['spot']],
    ['fallback', ['spot', 'on-demand']],
    ['always', ['on-demand']],
  ] as const)('is asked for as the profile says: on-demand %s', async (onDemand, lifecycles) => {
    const world = launchWorld({ onDemand, capacity: { spot: 0, 'on-demand': 0 } });
    world.request([1]);
    await world.deliver();
    expect(world.instances.launches.map(({ lifecycle }) => lifecycle)).toEqual(lifecycles);
  });

  it('that is nowhere brings back the messages of just the jobs without an instance', async () => {
    const world = launchWorld({ capacity: { spot: 1, 'on-demand': 1 } });
    world.request([3, 1, 2]);
    expect(await world.deliver()).toEqual(['message-1']);
    expect(world.queue.comingBack).toEqual(['message-1']);
    expect(Object.keys(world.given())).toEqual(['job#7#1', 'job#7#2']);
    expect(world.item(3)).toMatchObject({ state: 'REGISTERED' });
    expect(world.item(3)).not.toHaveProperty('launchGroup');
    // Whoever waits for capacity is told from whoever was never tried.
    expect(world.item(3)).toHaveProperty('launchTriedAt');
    expect(world.faults()).toEqual([]);
  });

  it('that comes later serves those who came back, in a new group', async () => {
    const world = launchWorld({ capacity: { spot: 1, 'on-demand': 0 } });
    world.request([1, 2]);
    await world.deliver();
    world.instances.capacity.spot = 5;
    expect(await world.deliver()).toEqual([]);
    expect(world.given()).toEqual({ 'job#7#1': 'i-0001', 'job#7#2': 'i-0002' });
    expect(world.faults()).toEqual([]);
  });

  it('that never comes is given up after many receives, and reported as a failed runner', async () => {
    const world = launchWorld({ capacity: { spot: 0, 'on-demand': 0 }, receivesBefore: mostReceives - 2 });
    world.request([1]);
    expect(await world.deliver()).toEqual(['message-1']);
    expect(world.queue.reported).toEqual([]);
    expect(await world.deliver()).toEqual([]);
    expect(world.queue.messages.size).toBe(0);
    expect(world.queue.reported).toMatchObject([
      { request: { projectId: 7, jobId: 1, attempt: 1 }, error: { name: 'NoCapacityError' } },
    ]);
  });

  it('is not missed for a job that has its instance, however often its message came', async () => {
    const world = launchWorld({ receivesBefore: mostReceives });
    world.request([1]);
    expect(await world.deliver()).toEqual([]);
    expect(world.queue.reported).toEqual([]);
  });
});

describe('a message that comes again', () => {
  it('launches nothing once its job has an instance', async () => {
    const world = launchWorld();
    world.request([1, 2]);
    await world.deliver();
    world.queue.send({ projectId: 7, jobId: 1, attempt: 1, profile: 'default' });
    expect(await world.deliver()).toEqual([]);
    expect(world.instances.launches).toHaveLength(1);
  });

  it.each(['STOPPING', 'RELEASED', 'FAILED', 'RUNNING', 'ADMITTED'] as const)(
    'launches nothing for a job that is %s',
    async (state) => {
      const world = launchWorld();
      world.request([1], 'default', { state });
      expect(await world.deliver()).toEqual([]);
      expect(world.instances.launches).toEqual([]);
    },
  );

  it('launches nothing for an attempt that is past', async () => {
    const world = launchWorld();
    world.request([1], 'default', { attempt: 2 });
    world.queue.send({ projectId: 7, jobId: 1, attempt: 1, profile: 'default' });
    await world.deliver();
    expect(world.instances.launches).toMatchObject([{ count: 1 }]);
    expect(world.faults()).toEqual([]);
  });

  it('finishes its own group, although it comes alone and with strangers', async () => {
    const world = launchWorld();
    world.request([1, 2]);
    const dying = { ...world.instances, launch: () => Promise.reject(new Error('socket hang up')) };
    expect(await world.deliver({ instances: dying })).toEqual(['message-1', 'message-2']);
    const begun = world.item(1)?.launchGroup;
    expect(begun).toMatchObject({ id: 'group-1', jobs: ['job#7#1', 'job#7#2'] });

    world.queue.messages.delete('message-2');
    world.request([3]);
    expect(await world.deliver()).toEqual([]);
    const groups = world.instances.launches.map(({ tags, count }) => [
      tags['gitlab-runners-on-demand:launch-group'],
      count,
    ]);
    expect(groups).toEqual([
      ['group-1', 2],
      ['group-2', 1],
    ]);
    expect(Object.keys(world.given())).toEqual(['job#7#1', 'job#7#2', 'job#7#3']);
    expect(world.faults()).toEqual([]);
  });

  it('begins one group, although two deliveries of it begin at the same moment', async () => {
    const world = launchWorld();
    world.request([1, 2]);
    await Promise.all([world.deliver(), world.deliver()]);
    for (let more = 0; more < 3; more += 1) await world.deliver();
    expect(world.instances.launches).toMatchObject([{ count: 2 }]);
    expect(world.faults()).toEqual([]);
  });

  it('may be worked on by two at the same moment', async () => {
    const world = launchWorld({ capacity: { spot: 1 } });
    world.request([1, 2]);
    const refused = { ...world.instances, launch: () => Promise.reject(new Error('socket hang up')) };
    await world.deliver({ instances: refused });
    await Promise.all([world.deliver(), world.deliver()]);
    for (let more = 0; more < 3; more += 1) await world.deliver();
    expect(Object.keys(world.given())).toEqual(['job#7#1', 'job#7#2']);
    expect(world.faults()).toEqual([]);
  });
});

describe('a request that was sent a second time', () => {
  const again = { projectId: 7, jobId: 1, attempt: 1, profile: 'default' };

  it('is one launch with the first, and both are done with it', async () => {
    const world = launchWorld();
    world.request([1]);
    world.queue.send(again);
    expect(await world.deliver()).toEqual([]);
    expect(world.instances.launches).toMatchObject([{ count: 1 }]);
    expect(world.queue.messages.size).toBe(0);
    expect(world.faults()).toEqual([]);
  });

  it('gives its job no more time: the first one still gives up when it came often enough, once', async () => {
    const world = launchWorld({ capacity: { spot: 0, 'on-demand': 0 }, receivesBefore: mostReceives - 2 });
    world.request([1]);
    await world.deliver();
    world.queue.send(again);
    expect(await world.deliver()).toEqual(['message-2']);
    expect(world.queue.reported).toMatchObject([{ request: again, error: { name: 'NoCapacityError' } }]);
    await world.store.write({ kind: 'update', job: 'job#7#1', from: ['REGISTERED'], set: { state: 'FAILED' } });
    expect(await world.deliver()).toEqual([]);
    expect(world.queue.reported).toHaveLength(1);
    expect(world.queue.messages.size).toBe(0);
  });
});

describe('a job that ended while its instance was being launched', () => {
  /** Ends job 2 in the moment when EC2 answers. */
  function endingJob2(world: ReturnType<typeof launchWorld>) {
    return {
      ...world.instances,
      async launch(...args: Parameters<typeof world.instances.launch>) {
        const answer = await world.instances.launch(...args);
        await world.store.write({ kind: 'update', job: 'job#7#2', from: ['REGISTERED'], set: { state: 'STOPPING' } });
        return answer;
      },
    };
  }

  it('has its instance terminated, and the others keep theirs', async () => {
    const world = launchWorld();
    world.request([1, 2, 3]);
    expect(await world.deliver({ instances: endingJob2(world) })).toEqual([]);
    expect(Object.keys(world.given())).toEqual(['job#7#1', 'job#7#3']);
    expect([...world.instances.running.keys()]).toEqual(['i-0001', 'i-0003']);
    expect(world.item(2)).toMatchObject({ state: 'STOPPING' });
    expect(world.item(2)).not.toHaveProperty('instanceId');
  });

  it('leaves no ticket to its instance when EC2 will not terminate it at once, and is come back to for it', async () => {
    const world = launchWorld();
    world.request([1, 2]);
    const ending = endingJob2(world);
    const busy = Object.assign(new Error('slow down'), { name: 'RequestLimitExceeded' });
    const returned = await world.deliver({ instances: { ...ending, terminate: () => Promise.reject(busy) } });
    expect([...world.store.tickets.keys()].sort()).toEqual([nameOf('i-0001'), 'job#7#2']);
    expect(world.given()).toEqual({ 'job#7#1': 'i-0001' });
    expect(returned).toEqual(['message-2']);
    expect(await world.deliver()).toEqual([]);
    expect([...world.instances.running.keys()]).toEqual(['i-0001']);
    expect(world.instances.launches).toHaveLength(1);
  });

  it('has its instance terminated also when the launcher died before it could, and the job is all over by then', async () => {
    const world = launchWorld();
    world.request([2]);
    const ending = endingJob2(world);
    const died = () => Promise.reject(new Error('died'));
    const batch = world.queue.receive();
    await launchInstances(
      batch,
      { ...world.ports, instances: { ...ending, terminate: died }, store: { ...world.store, readTicket: died } },
      world.context,
    ).catch(() => {});
    const item = world.item(2);
    if (!item) throw new Error('the job has no item');
    await endRunner({ store: world.store, now: () => testStart }, item, {
      from: ['STOPPING'],
      end: { state: 'RELEASED' },
    });
    expect([...world.instances.running.keys()]).toEqual(['i-0001']);
    expect(await world.deliver()).toEqual([]);
    expect([...world.instances.running.keys()]).toEqual([]);
  });

  it('before its group was written down stops that group, and the others begin another', async () => {
    const world = launchWorld();
    world.request([1, 2]);
    let reads = 0;
    const store = {
      ...world.store,
      async read(job: 'job#7#1') {
        const item = await world.store.read(job);
        reads += 1;
        if (reads === 2)
          await world.store.write({ kind: 'update', job: 'job#7#2', from: ['REGISTERED'], set: { state: 'STOPPING' } });
        return item;
      },
    };
    expect(await world.deliver({ store })).toEqual(['message-1']);
    expect(world.instances.launches).toEqual([]);
    expect(await world.deliver()).toEqual([]);
    expect(world.instances.launches).toMatchObject([{ count: 1 }]);
    expect(world.faults().filter((fault) => !fault.startsWith('job#7#2'))).toEqual([]);
  });
});

describe('a launch that was begun before something else was deployed', () => {
  const changed = sourcesOf(
    { default: launchProfile({ launchTemplateVersion: '4', instanceTypes: ['c7a.large'], onDemand: 'always' }) },
    ['subnet-9'],
  );

  it('is finished as it was begun: the instances of the first call are not lost', async () => {
    const world = launchWorld();
    world.request([1, 2]);
    const dying = { ...world.store, readTicket: () => Promise.reject(new Error('died')) };
    await world.deliver({ store: dying });
    expect(world.instances.running.size).toBe(2);
    expect(await world.deliver({ sourceOf: changed })).toEqual([]);
    expect(world.instances.launches).toHaveLength(1);
    expect(world.given()).toEqual({ 'job#7#1': 'i-0001', 'job#7#2': 'i-0002' });
  });

  it('is not refused for good because of what is deployed no more', async () => {
    const world = launchWorld();
    world.request([1]);
    const gone = new PermanentLaunchError('InvalidLaunchTemplateId.NotFound');
    const instances = { ...world.instances, launch: () => Promise.reject(gone) };
    expect(await world.deliver({ sourceOf: changed, instances })).toEqual([]);
    expect(world.queue.reported).toHaveLength(1);

    world.request([2]);
    await world.deliver({ instances: { ...instances, launch: () => Promise.reject(new Error('socket hang up')) } });
    expect(await world.deliver({ sourceOf: changed, instances })).toEqual(['message-2']);
    expect(world.queue.reported).toHaveLength(1);
    expect(await world.deliver({ sourceOf: changed })).toEqual([]);
    expect(world.instances.launches).toMatchObject([
      { source: { launchTemplateVersion: '4' }, lifecycle: 'on-demand' },
    ]);
  });

  it('is not finished once its hosts have given up: another one begins', async () => {
    const world = launchWorld();
    world.request([1]);
    await world.deliver({ store: { ...world.store, readTicket: () => Promise.reject(new Error('died')) } });
    world.clock.milliseconds += groupLifeSeconds * 1_000;
    expect(await world.deliver({ sourceOf: changed })).toEqual([]);
    expect(world.given()).toEqual({ 'job#7#1': 'i-0002' });
  });

  it('is terminated before another one begins, but for what a job of it already has', async () => {
    const world = launchWorld();
    world.request([1, 2]);
    const readTicket: RunnersStore['readTicket'] = async (id) =>
      id === 'job#7#1' ? world.store.readTicket(id) : Promise.reject(new Error('died'));
    await world.deliver({ store: { ...world.store, readTicket } });
    expect(world.given()).toEqual({ 'job#7#1': 'i-0001' });
    world.clock.milliseconds += groupLifeSeconds * 1_000;
    expect(await world.deliver()).toEqual([]);
    expect(world.given()).toEqual({ 'job#7#1': 'i-0001', 'job#7#2': 'i-0003' });
    expect([...world.instances.running.keys()]).toEqual(['i-0001', 'i-0003']);
  });

  it.each<[string, Partial<Instances>]>([
    ['does not terminate them', { terminate: () => Promise.reject(new Error('RequestLimitExceeded')) }],
    ['does not answer', { launch: () => Promise.reject(new Error('socket hang up')) }],
    ['is too busy to tell of them', { launch: () => Promise.reject(new LaunchThrottledError('slow down')) }],
  ])('has no successor as long as EC2 %s', async (_, instances) => {
    const world = launchWorld();
    world.request([1]);
    await world.deliver({ store: { ...world.store, readTicket: () => Promise.reject(new Error('died')) } });
    world.clock.milliseconds += groupLifeSeconds * 1_000;
    expect(await world.deliver({ instances: { ...world.instances, ...instances } })).toEqual(['message-1']);
    expect([...world.instances.running.keys()]).toEqual(['i-0001']);
    expect(await world.deliver()).toEqual([]);
    expect([...world.instances.running.keys()]).toEqual(['i-0002']);
  });

  it('has no successor as long as nobody can tell whose they are', async () => {
    const world = launchWorld();
    world.request([1]);
    await world.deliver({ store: { ...world.store, readTicket: () => Promise.reject(new Error('died')) } });
    world.clock.milliseconds += groupLifeSeconds * 1_000;
    world.request([2]);
    const readByInstanceId = () => Promise.reject(new Error('slow down'));
    expect(await world.deliver({ store: { ...world.store, readByInstanceId } })).toEqual(['message-1', 'message-2']);
    expect([...world.instances.running.keys()]).toEqual(['i-0001']);
    expect(await world.deliver()).toEqual([]);
    expect(world.given()).toEqual({ 'job#7#1': 'i-0002', 'job#7#2': 'i-0003' });
  });
});

describe('a job whose runner’s token is gone', () => {
  it('gets another attempt instead of one instance after the other that nobody can use', async () => {
    const world = launchWorld();
    world.request([1, 2]);
    world.store.tickets.delete('job#7#1');
    expect(await world.deliver()).toEqual([]);
    expect(world.queue.reported).toMatchObject([{ request: { jobId: 1 }, error: { name: 'TicketGoneError' } }]);
    expect(world.given()).toEqual({ 'job#7#2': 'i-0002' });
    expect([...world.instances.running.keys()]).toEqual(['i-0002']);
  });
});

describe('a job that may not run on spot', () => {
  it('gets on-demand capacity beside the others, in a launch of its own', async () => {
    const world = launchWorld();
    world.request([1, 2]);
    world.request([3], 'default', { onDemandOnly: true });
    expect(await world.deliver()).toEqual([]);
    expect(world.instances.launches.map(({ lifecycle, count }) => [lifecycle, count]).sort()).toEqual([
      ['on-demand', 1],
      ['spot', 2],
    ]);
    expect(world.faults()).toEqual([]);
  });

  it('is not put on spot either when on-demand lacks capacity, whatever its profile says', async () => {
    const world = launchWorld({ onDemand: 'never', capacity: { 'on-demand': 0 } });
    world.request([1], 'default', { onDemandOnly: true });
    expect(await world.deliver()).toEqual(['message-1']);
    expect(world.instances.launches.map(({ lifecycle }) => lifecycle)).toEqual(['on-demand']);
  });
});

describe('the tags of its job', () => {
  const tagsOf = (jobId: number) => ({
    'gitlab-runners-on-demand:project': 'group/project',
    'gitlab-runners-on-demand:pipeline': '50',
    'gitlab-runners-on-demand:job': String(jobId),
  });

  it('are on an instance from its launch when it is launched alone', async () => {
    const world = launchWorld();
    world.request([1]);
    await world.deliver();
    expect(world.instances.launches).toMatchObject([{ tags: tagsOf(1) }]);
    expect(world.tagsForLater).toEqual([]);
  });

  it('are left for later where one call launched several, each its own', async () => {
    const world = launchWorld();
    world.request([1, 2]);
    await world.deliver();
    expect(world.tagsForLater).toEqual([
      { instanceId: 'i-0001', tags: tagsOf(1) },
      { instanceId: 'i-0002', tags: tagsOf(2) },
    ]);
    expect(Object.keys(world.instances.launches[0]?.tags ?? {})).not.toContain('gitlab-runners-on-demand:job');
  });

  it('fail no launch when they cannot even be left for later', async () => {
    const world = launchWorld();
    world.request([1, 2]);
    const tagging = { tagLater: () => Promise.reject(new Error('no such queue')) };
    expect(await world.deliver({ tagging })).toEqual([]);
    expect(world.faults()).toEqual([]);
  });
});

describe('more instances than were asked for', () => {
  it('do not stay', async () => {
    const world = launchWorld();
    world.request([1]);
    const generous = {
      ...world.instances,
      launch: (request: Parameters<typeof world.instances.launch>[0], token: string) =>
        world.instances.launch({ ...request, count: request.count + 2 }, token),
    };
    await world.deliver({ instances: generous });
    expect([...world.instances.running.keys()]).toEqual(['i-0001']);
    expect(world.faults()).toEqual([]);
  });
});

describe('an error of EC2', () => {
  const failing = (error: Error) => ({ launch: () => Promise.reject(error), terminate: async () => {} });

  it('that no repetition mends is reported for every job of the group', async () => {
    const world = launchWorld();
    world.request([1, 2]);
    await world.deliver({ instances: failing(new PermanentLaunchError('UnauthorizedOperation')) });
    expect(world.queue.reported.map(({ request, error }) => [request.jobId, error.name])).toEqual([
      [1, 'PermanentLaunchError'],
      [2, 'PermanentLaunchError'],
    ]);
    expect(world.queue.messages.size).toBe(0);
  });

  it('in one profile’s call does not hold up the other profile', async () => {
    const world = launchWorld();
    world.request([1]);
    world.request([2], 'large');
    const launch: typeof world.instances.launch = (request, token) =>
      request.source.launchTemplateId === 'lt-1'
        ? Promise.reject(new PermanentLaunchError('InvalidLaunchTemplateId.NotFound'))
        : world.instances.launch(request, token);
    await world.deliver({ instances: { ...world.instances, launch } });
    expect(Object.keys(world.given())).toEqual(['job#7#2']);
    expect(world.queue.reported).toMatchObject([{ request: { jobId: 1 } }]);
  });

  it.each([new LaunchThrottledError('RequestLimitExceeded'), new Error('socket hang up')])(
    'that passes brings all messages of the group back: %s',
    async (error) => {
      const world = launchWorld();
      world.request([1, 2]);
      expect(await world.deliver({ instances: failing(error) })).toEqual(['message-1', 'message-2']);
      expect(world.queue.reported).toEqual([]);
      expect(await world.deliver()).toEqual([]);
      expect(world.faults()).toEqual([]);
    },
  );

  it('in the on-demand call neither loses nor doubles what spot gave', async () => {
    const world = launchWorld({ capacity: { spot: 1 } });
    world.request([1, 2]);
    let calls = 0;
    const launch: typeof world.instances.launch = async (request, token) => {
      calls += 1;
      if (calls === 2) throw new LaunchThrottledError('RequestLimitExceeded');
      return world.instances.launch(request, token);
    };
    await world.deliver({ instances: { ...world.instances, launch } });
    expect(await world.deliver()).toEqual([]);
    expect(world.instances.running.size).toBe(2);
    expect(world.faults()).toEqual([]);
  });

  it('in the on-demand call that no repetition mends gives away what spot gave, and fails the others alone', async () => {
    const world = launchWorld({ capacity: { spot: 1 } });
    world.request([1, 2]);
    const launch: typeof world.instances.launch = (request, token) =>
      request.lifecycle === 'on-demand'
        ? Promise.reject(new PermanentLaunchError('UnauthorizedOperation'))
        : world.instances.launch(request, token);
    await world.deliver({ instances: { ...world.instances, launch } });
    expect(world.given()).toEqual({ 'job#7#1': 'i-0001' });
    expect(world.queue.reported.map(({ request }) => request.jobId)).toEqual([2]);
    expect(world.faults()).toEqual([]);
  });

  it('is reported when the profile was not deployed', async () => {
    const world = launchWorld();
    world.request([1], 'gone');
    await world.deliver();
    expect(world.queue.reported).toMatchObject([
      { request: { jobId: 1 }, error: { name: 'PermanentLaunchError', message: expect.stringContaining('"gone"') } },
    ]);
  });
});

describe('a message that nobody can read', () => {
  it.each(['not json', '{}', '{"projectId":7,"jobId":"1","attempt":1,"profile":"default"}'])(
    'holds up no other: %s',
    async (body) => {
      const world = launchWorld();
      world.queue.send(body);
      world.request([1]);
      expect(await world.deliver().catch(() => 'nothing was launched')).toEqual(['message-1']);
      expect(Object.keys(world.given())).toEqual(['job#7#1']);
    },
  );
});
