import { describe, expect, it } from 'vitest';
import { LaunchThrottledError, PermanentLaunchError } from '../../../../autoscaler/start-runner/ec2/launch-errors.ts';
import { mostReceives } from '../../../../autoscaler/start-runner/ec2/launch-instances.lambda.ts';
import { ticketLifeSeconds } from '../../../../infrastructure/lib/runner-ticket.ts';
import { tokenWord } from '../../../support/in-memory-gitlab.ts';
import { launchWorld } from './launch-world.ts';

describe('launch requests', () => {
  it('of one profile are one CreateFleet call, and each job gets its instance with its ticket', async () => {
    const world = launchWorld();
    world.request([1, 2, 3]);
    expect(await world.deliver()).toEqual([]);
    expect(world.instances.launches).toMatchObject([
      { count: 3, lifecycle: 'spot', subnetIds: ['subnet-1', 'subnet-2'] },
    ]);
    expect(world.given()).toEqual({ 'job#7#1': 'i-0001', 'job#7#2': 'i-0002', 'job#7#3': 'i-0003' });
    expect(world.faults()).toEqual([]);
    expect(world.queue.messages.size).toBe(0);
    expect(world.item(1)).toMatchObject({ ticketId: 'i-0001', launchedAt: '2030-01-01T00:00:00.000Z' });
  });

  it('of two profiles are two calls, each from its own launch template', async () => {
    const world = launchWorld();
    world.request([1, 3]);
    world.request([2], 'large');
    await world.deliver();
    const calls = world.instances.launches.map(({ profile, count }) => [profile.launchTemplateId, count]);
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
    expect(world.store.tickets.get('i-0001')).toMatchObject({
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
    expect(begun).toEqual({ id: 'group-1', jobs: ['job#7#1', 'job#7#2'] });

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

  it('leaves no ticket to its instance when EC2 will not terminate it at once: the host ends itself then', async () => {
    const world = launchWorld();
    world.request([1, 2]);
    const ending = endingJob2(world);
    const busy = Object.assign(new Error('slow down'), { name: 'RequestLimitExceeded' });
    await world.deliver({ instances: { ...ending, terminate: () => Promise.reject(busy) } });
    expect([...world.store.tickets.keys()].sort()).toEqual(['i-0001', 'job#7#2']);
    expect(world.given()).toEqual({ 'job#7#1': 'i-0001' });
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
  });

  it('in one profile’s call does not hold up the other profile', async () => {
    const world = launchWorld();
    world.request([1]);
    world.request([2], 'large');
    const launch: typeof world.instances.launch = (request, token) =>
      request.profile.launchTemplateId === 'lt-1'
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
