import { describe, expect, it } from 'vitest';
import type { LaunchProfile } from '../../../../autoscaler/runner-types/ec2/launch-environment.ts';
import { type Answer, ec2Answering, errorSet, fleet, instanceSet, refusal } from './ec2-answers.ts';
import { launchWorld } from './launch-world.ts';

/*
 * Whole launches, from the queue's messages to what becomes of each job, over the answers that EC2 gives: each code as
 * an error of the call and inside a 200, alone and beside others or instances.
 */

const lacksCapacity = [
  'InsufficientInstanceCapacity',
  'InsufficientCapacity',
  'InsufficientCapacityOnHost',
  'UnfulfillableCapacity',
  'SpotMaxPriceTooLow',
  'Unsupported',
  'InsufficientFreeAddressesInSubnet',
  // Quotas
  'MaxSpotInstanceCountExceeded',
  'VcpuLimitExceeded',
  'MaxFleetCountExceeded',
  'TargetCapacityLimitExceeded',
  'TargetCapacityLimitExceededException',
  'InstanceLimitExceeded',
];
const passes = [
  'RequestLimitExceeded',
  'EC2ThrottledException',
  'InternalError',
  'ServiceUnavailable',
  'Throttling',
  'ThrottlingException',
];
const needsAPerson = [
  'InvalidParameterValue',
  'InvalidSubnetID.NotFound',
  'InvalidLaunchTemplateId.NotFound',
  'InvalidAMIID.NotFound',
  'UnauthorizedOperation',
  'AuthFailure.ServiceLinkedRoleCreationNotPermitted',
];

/** Launches for these jobs over an EC2 that answers so, and says what came of it. */
async function launchOver(
  answers: readonly Answer[],
  jobs: readonly number[],
  onDemand: LaunchProfile['onDemand'] = 'fallback',
) {
  await using ec2 = await ec2Answering(...answers);
  const world = launchWorld({ onDemand });
  world.request(jobs);
  const returned = await world.deliver({ instances: ec2.instances });
  return {
    calls: ec2.asked.map((call) => {
      const target = (what: string) => call.get(`TargetCapacitySpecification.${what}`);
      return `${target('TotalTargetCapacity')} ${target('DefaultTargetCapacityType')}`;
    }),
    tokens: ec2.asked.map((call) => call.get('ClientToken')),
    given: world.given(),
    returned,
    reported: world.queue.reported.map(({ request, error }) => ({
      jobId: request.jobId,
      ...error,
      name: error.name,
      message: error.message,
    })),
    world,
  };
}

describe.each(lacksCapacity)('%s', (code) => {
  it.each([
    ['as an error of the call', refusal(code)],
    ['inside a 200', fleet(errorSet(code, code))],
    ['inside a 200 with an empty set of instances', fleet(errorSet(code) + instanceSet([]))],
    ['beside throttling', fleet(errorSet('RequestLimitExceeded', code))],
    ['beside a pool that is wrong', fleet(errorSet('InvalidSubnetID.NotFound', code))],
  ])('goes to on-demand in the same run: %s', async (_, answer) => {
    const { calls, tokens, given, returned } = await launchOver([answer, fleet(instanceSet(['i-1', 'i-2']))], [1, 2]);
    expect(calls).toEqual(['2 spot', '2 on-demand']);
    expect(new Set(tokens).size).toBe(2);
    expect(given).toEqual({ 'job#7#1': 'i-1', 'job#7#2': 'i-2' });
    expect(returned).toEqual([]);
  });

  it('beside instances keeps those, and asks on-demand for the rest alone', async () => {
    const some = fleet(errorSet(code) + instanceSet(['i-1']));
    const { calls, given } = await launchOver([some, fleet(instanceSet(['i-2']))], [1, 2]);
    expect(calls).toEqual(['2 spot', '1 on-demand']);
    expect(given).toEqual({ 'job#7#1': 'i-1', 'job#7#2': 'i-2' });
  });

  it('everywhere sends back exactly the jobs without an instance, to another launch', async () => {
    const some = fleet(errorSet(code) + instanceSet(['i-1']));
    const { calls, given, returned, reported, world } = await launchOver([some, refusal(code)], [1, 2, 3]);
    expect(calls).toEqual(['3 spot', '2 on-demand']);
    expect(given).toEqual({ 'job#7#1': 'i-1' });
    expect(returned).toEqual(['message-2', 'message-3']);
    expect(world.item(2)).not.toHaveProperty('launchGroup');
    expect(reported).toEqual([]);
  });

  it('is not asked for on demand by a profile that never takes it', async () => {
    const { calls, returned } = await launchOver([refusal(code)], [1], 'never');
    expect(calls).toEqual(['1 spot']);
    expect(returned).toEqual(['message-1']);
  });
});

describe.each(['MaxSpotInstanceCountExceeded', 'VcpuLimitExceeded', 'InstanceLimitExceeded'])('%s', (code) => {
  it('is counted, for a person to raise the quota, although on-demand capacity serves the job', async () => {
    const { world } = await launchOver([refusal(code), fleet(instanceSet(['i-1']))], [1]);
    const counted = world.context.lines.filter(({ QuotasReached }) => QuotasReached);
    expect(counted).toMatchObject([{ message: 'quota reached', lifecycle: 'spot', errorCodes: [code] }]);
  });
});

describe.each(passes)('%s', (code) => {
  it('as an error of the call is waited for, with the same token, and leaves the group as it is when it lasts', async () => {
    const { tokens, calls, given, returned, reported, world } = await launchOver([refusal(code, 503)], [1, 2]);
    expect(tokens.length).toBeGreaterThan(2);
    expect(new Set(tokens).size).toBe(1);
    expect(new Set(calls)).toEqual(new Set(['2 spot']));
    expect([given, returned, reported]).toEqual([{}, ['message-1', 'message-2'], []]);
    expect(world.item(1)?.launchGroup).toBeDefined();
  });

  it('as an error of the call that passes is no trouble at all', async () => {
    const { given, returned } = await launchOver([refusal(code, 500), fleet(instanceSet(['i-1']))], [1]);
    expect([given, returned]).toEqual([{ 'job#7#1': 'i-1' }, []]);
  });

  it('inside a 200 is the answer of this token: the messages begin another launch, on spot again', async () => {
    const { calls, returned, world } = await launchOver([fleet(errorSet(code))], [1, 2]);
    expect(calls).toEqual(['2 spot']);
    expect(returned).toEqual(['message-1', 'message-2']);
    expect(world.item(1)).not.toHaveProperty('launchGroup');
  });

  it('inside a 200 beside instances keeps those', async () => {
    const some = fleet(errorSet(code) + instanceSet(['i-1']));
    const { calls, given, returned } = await launchOver([some], [1, 2]);
    expect([calls, given, returned]).toEqual([['2 spot'], { 'job#7#1': 'i-1' }, ['message-2']]);
  });
});

describe.each(needsAPerson)('%s', (code) => {
  it.each([
    ['as an error of the call', refusal(code, 403)],
    ['inside a 200', fleet(errorSet(code, code))],
  ])('is asked once, and fails every job with what EC2 said and what to do: %s', async (_, answer) => {
    const { calls, given, returned, reported } = await launchOver([answer], [1, 2]);
    expect(calls).toEqual(['2 spot']);
    expect([given, returned]).toEqual([{}, []]);
    expect(reported.map(({ jobId, name }) => [jobId, name])).toEqual([
      [1, 'PermanentLaunchError'],
      [2, 'PermanentLaunchError'],
    ]);
    expect(reported[0]?.message).toMatch(
      new RegExp(`^CreateFleet: ${code}: as asked .*\\b(Check|Create|Deploy|deploy)\\b`),
    );
  });

  it('of one pool, beside instances of others, fails nobody', async () => {
    const some = fleet(errorSet(code) + instanceSet(['i-1']));
    const { calls, given, reported } = await launchOver([some, fleet(instanceSet(['i-2']))], [1, 2]);
    expect(calls).toEqual(['2 spot', '1 on-demand']);
    expect([Object.keys(given).length, reported]).toEqual([2, []]);
  });
});

describe('IdempotentInstanceTerminated', () => {
  it('is handled already: whoever still waits gets a new launch on spot, not what another lifecycle has', async () => {
    const { calls, returned, reported, world } = await launchOver([refusal('IdempotentInstanceTerminated')], [1, 2]);
    expect(calls).toEqual(['2 spot']);
    expect([returned, reported]).toEqual([['message-1', 'message-2'], []]);
    await using ec2 = await ec2Answering(fleet(instanceSet(['i-8', 'i-9'])));
    const earlier = world.queue.messages.size;
    expect([earlier, await world.deliver({ instances: ec2.instances })]).toEqual([2, []]);
    expect(ec2.asked[0]?.get('TargetCapacitySpecification.DefaultTargetCapacityType')).toBe('spot');
    expect(world.given()).toEqual({ 'job#7#1': 'i-8', 'job#7#2': 'i-9' });
  });
});

describe('IdempotentParameterMismatch', () => {
  it('cries out once, under the name that the alarm looks for, and is no loop: the next launch has another token', async () => {
    const { calls, tokens, returned, reported, world } = await launchOver(
      [refusal('IdempotentParameterMismatch')],
      [1],
    );
    expect(calls).toEqual(['1 spot']);
    expect([returned, reported]).toEqual([['message-1'], []]);
    expect(world.context.lines.filter(({ level }) => level === 'error')).toMatchObject([
      { message: 'launch token reused', LaunchTokensReused: 1, error: { name: 'LaunchTokenReusedError' } },
    ]);
    await using ec2 = await ec2Answering(fleet(instanceSet(['i-1'])));
    await world.deliver({ instances: ec2.instances });
    expect(ec2.asked.map((call) => call.get('ClientToken'))).not.toEqual(tokens);
    expect(world.given()).toEqual({ 'job#7#1': 'i-1' });
  });
});

describe('the reason that is told when tries are used up', () => {
  const lastOf = async (...answers: Answer[]) => {
    await using ec2 = await ec2Answering(...answers);
    const world = launchWorld({ receivesBefore: 19 });
    world.request([1]);
    expect(await world.deliver({ instances: ec2.instances })).toEqual([]);
    const [told] = world.queue.reported;
    return `${told?.error.name}: ${told?.error.message}`;
  };

  it.each([
    [
      'of both lifecycles, with the remedy for quotas',
      [refusal('MaxSpotInstanceCountExceeded'), fleet(errorSet('VcpuLimitExceeded'))],
      /^NoCapacityError: After 20 tries.*spot: MaxSpotInstanceCountExceeded; on-demand: VcpuLimitExceeded.*quotas/,
    ],
    [
      'without capacity',
      [fleet(errorSet('InsufficientInstanceCapacity', 'UnfulfillableCapacity'))],
      /^NoCapacityError: .*InsufficientInstanceCapacity, UnfulfillableCapacity.*add instance types/,
    ],
    ['of addresses', [refusal('InsufficientFreeAddressesInSubnet')], /^NoCapacityError: .*add subnets/],
    [
      'of throttling',
      [refusal('RequestLimitExceeded', 503)],
      /^LaunchThrottledError: After 20 tries.*RequestLimitExceeded/,
    ],
    [
      'of throttling inside a 200',
      [fleet(errorSet('RequestLimitExceeded'))],
      /^LaunchThrottledError: .*RequestLimitExceeded/,
    ],
  ] as const)('is the true one: %s', async (_, answers, told) => {
    expect(await lastOf(...answers)).toMatch(told);
  });
});
