import { EC2Client } from '@aws-sdk/client-ec2';
import { describe, expect, it } from 'vitest';
import type { FleetRequest } from '../../../../autoscaler/runner-types/ec2/fleet.ts';
import { createInstances, fleetOf } from '../../../../autoscaler/runner-types/ec2/instances.client.ts';
import { type Answer, ec2Answering, errorSet, fleet, hastyBackoff, instanceSet, refusal } from './ec2-answers.ts';
import { launchSource } from './launch-world.ts';

const request = (changes: Partial<FleetRequest> = {}): FleetRequest => ({
  source: launchSource(),
  lifecycle: 'spot',
  count: 2,
  tags: { 'gitlab-runners-on-demand:launch-group': 'g' },
  ...changes,
});

describe('a launch', () => {
  it('gives the instances, sorted, from however many sets they come', async () => {
    await using ec2 = await ec2Answering(fleet(instanceSet(['i-3', 'i-1'], [], ['i-2'])));
    expect(await ec2.instances.launch(request(), 'token')).toEqual({
      instanceIds: ['i-1', 'i-2', 'i-3'],
      errorCodes: [],
      verdict: 'answered',
    });
  });

  it('asks with the token that makes it happen once', async () => {
    await using ec2 = await ec2Answering(fleet(instanceSet(['i-1'])));
    await ec2.instances.launch(request(), 'client-token');
    expect(Object.fromEntries(ec2.asked[0] ?? [])).toMatchObject({
      Action: 'CreateFleet',
      ClientToken: 'client-token',
      Type: 'instant',
      'TargetCapacitySpecification.TotalTargetCapacity': '2',
      'TargetCapacitySpecification.DefaultTargetCapacityType': 'spot',
      'LaunchTemplateConfigs.1.LaunchTemplateSpecification.LaunchTemplateId': 'lt-1',
      'LaunchTemplateConfigs.1.LaunchTemplateSpecification.Version': '3',
    });
  });

  it('with errors beside instances has instances: the errors only explain what is missing', async () => {
    const codes = ['InsufficientInstanceCapacity', 'InvalidParameterValue', 'InsufficientInstanceCapacity'];
    await using ec2 = await ec2Answering(fleet(errorSet(...codes) + instanceSet(['i-1'])));
    expect(await ec2.instances.launch(request(), 'token')).toEqual({
      instanceIds: ['i-1'],
      errorCodes: ['InsufficientInstanceCapacity', 'InvalidParameterValue'],
      verdict: 'answered',
    });
  });

  it.each(['', instanceSet(), instanceSet([])])('without instances and errors gives none: "%s"', async (content) => {
    await using ec2 = await ec2Answering(fleet(content));
    expect(await ec2.instances.launch(request(), 'token')).toEqual({
      instanceIds: [],
      errorCodes: [],
      verdict: 'answered',
    });
  });

  it.each([
    ['inside a 200', fleet(errorSet('UnfulfillableCapacity', 'InsufficientInstanceCapacity'))],
    ['as a refusal', refusal('MaxSpotInstanceCountExceeded')],
  ])('without capacity is an answer, no error: %s', async (_, answer) => {
    await using ec2 = await ec2Answering(answer);
    const { instanceIds, errorCodes, verdict } = await ec2.instances.launch(request(), 'token');
    expect([instanceIds, verdict]).toEqual([[], 'answered']);
    expect(errorCodes.length).toBeGreaterThan(0);
  });

  it('that comes too fast inside a 200 has its answer: only another launch may give more', async () => {
    await using ec2 = await ec2Answering(fleet(errorSet('RequestLimitExceeded') + instanceSet(['i-1'])));
    expect(await ec2.instances.launch(request(), 'token')).toEqual({
      instanceIds: ['i-1'],
      errorCodes: ['RequestLimitExceeded'],
      verdict: 'throttled',
    });
    expect(ec2.asked).toHaveLength(1);
  });

  it('that comes too fast is asked for again, as the very same call', async () => {
    await using ec2 = await ec2Answering(
      refusal('RequestLimitExceeded', 503),
      refusal('InternalError', 500),
      fleet(instanceSet(['i-1'])),
    );
    expect(await ec2.instances.launch(request(), 'token')).toMatchObject({ instanceIds: ['i-1'] });
    expect(ec2.asked).toHaveLength(3);
    expect(new Set(ec2.asked.map(String)).size).toBe(1);
  });

  it.each([
    ['as a refusal', refusal('RequestLimitExceeded', 503)],
    ['as an inner trouble of EC2', refusal('InternalError', 500)],
  ])('that comes too fast is to be asked for later: %s', async (_, answer) => {
    await using ec2 = await ec2Answering(answer);
    await expect(ec2.instances.launch(request(), 'token')).rejects.toMatchObject({ name: 'LaunchThrottledError' });
    expect(ec2.asked.length).toBeGreaterThan(1);
  });

  it.each([
    ['inside a 200', fleet(errorSet('InvalidLaunchTemplateId.NotFound')), 'InvalidLaunchTemplateId.NotFound'],
    ['as a refusal', refusal('UnauthorizedOperation', 403), 'UnauthorizedOperation'],
  ])('that a person must mend says so, and what EC2 said: %s', async (_, answer, code) => {
    await using ec2 = await ec2Answering(answer);
    const refused = ec2.instances.launch(request(), 'token');
    await expect(refused).rejects.toMatchObject({ name: 'PermanentLaunchError' });
    await expect(refused).rejects.toThrow(`${code}: as asked`);
  });

  it('whose token belongs to another call is a fault of ours, of its own kind', async () => {
    await using ec2 = await ec2Answering(refusal('IdempotentParameterMismatch'));
    const refused = ec2.instances.launch(request(), 'token');
    await expect(refused).rejects.toMatchObject({ name: 'LaunchTokenReusedError' });
    await expect(refused).rejects.toThrow('IdempotentParameterMismatch: as asked');
    expect(ec2.asked).toHaveLength(1);
  });

  it('whose instances are gone already is told apart from a new one', async () => {
    await using ec2 = await ec2Answering(refusal('IdempotentInstanceTerminated'));
    expect(await ec2.instances.launch(request(), 'token')).toEqual({
      instanceIds: [],
      errorCodes: ['IdempotentInstanceTerminated'],
      verdict: 'ended',
    });
  });

  it('that nobody answers fails with what happened, so that the message comes again', async () => {
    const client = new EC2Client({
      endpoint: 'http://127.0.0.1:1',
      region: 'eu-west-1',
      credentials: { accessKeyId: 'fake', secretAccessKey: 'not-a-real-secret' },
      maxAttempts: 1,
    });
    const refused = createInstances(client, hastyBackoff).launch(request(), 'token');
    await expect(refused).rejects.toThrow(/ECONNREFUSED/);
    await expect(refused).rejects.not.toMatchObject({ name: 'PermanentLaunchError' });
  });
});

describe('the request of a fleet', () => {
  const overridesOf = (changes: Partial<FleetRequest> = {}) =>
    fleetOf(request(changes)).LaunchTemplateConfigs?.[0]?.Overrides ?? [];

  it('offers every type in every subnet', () => {
    expect(overridesOf().map(({ InstanceType, SubnetId }) => `${InstanceType} in ${SubnetId}`)).toEqual([
      'm7a.large in subnet-1',
      'm7a.large in subnet-2',
      'm7i.large in subnet-1',
      'm7i.large in subnet-2',
    ]);
  });

  it('for spot takes the pools with room at the best price, below the profile’s highest price', () => {
    const source = launchSource({ maxPriceUsd: 0.05 });
    expect(fleetOf(request({ source }))).toMatchObject({
      Type: 'instant',
      TargetCapacitySpecification: { TotalTargetCapacity: 2, DefaultTargetCapacityType: 'spot' },
      SpotOptions: { AllocationStrategy: 'price-capacity-optimized', InstanceInterruptionBehavior: 'terminate' },
    });
    expect(overridesOf({ source }).every(({ MaxPrice }) => MaxPrice === '0.05')).toBe(true);
    expect(overridesOf().some((override) => 'MaxPrice' in override)).toBe(false);
  });

  it('for on-demand says nothing of spot', () => {
    const source = launchSource({ maxPriceUsd: 0.05 });
    const onDemand = fleetOf(request({ lifecycle: 'on-demand', source }));
    expect(onDemand).toMatchObject({
      TargetCapacitySpecification: { DefaultTargetCapacityType: 'on-demand' },
      OnDemandOptions: { AllocationStrategy: 'lowest-price' },
    });
    expect(JSON.stringify(onDemand)).not.toMatch(/SpotOptions|MaxPrice/);
  });

  it.each(['fleet', 'instance', 'volume', 'network-interface'])('tags what it makes: %s', (kind) => {
    expect(fleetOf(request()).TagSpecifications).toContainEqual({
      ResourceType: kind,
      Tags: [{ Key: 'gitlab-runners-on-demand:launch-group', Value: 'g' }],
    });
  });
});

describe('terminating', () => {
  const terminated: Answer = {
    body: '<TerminateInstancesResponse><requestId>r</requestId></TerminateInstancesResponse>',
  };
  const idsOf = (asked: readonly URLSearchParams[]) => asked.map((one) => one.get('InstanceId.1'));

  it('asks for each instance, so that one that is gone does not save the others', async () => {
    await using ec2 = await ec2Answering(terminated, refusal('InvalidInstanceID.NotFound'), terminated);
    await ec2.instances.terminate(['i-1', 'i-2', 'i-3']);
    expect(idsOf(ec2.asked)).toEqual(['i-1', 'i-2', 'i-3']);
  });

  it('of nothing asks nothing', async () => {
    await using ec2 = await ec2Answering(terminated);
    await ec2.instances.terminate([]);
    expect(ec2.asked).toEqual([]);
  });

  it('fails with EC2’s own error, which the workflow may try again', async () => {
    await using ec2 = await ec2Answering(refusal('UnauthorizedOperation', 403));
    await expect(ec2.instances.terminate(['i-1'])).rejects.toMatchObject({ name: 'UnauthorizedOperation' });
  });

  it('goes on with the other instances when EC2 refuses one', async () => {
    await using ec2 = await ec2Answering(refusal('UnauthorizedOperation', 403), terminated);
    await expect(ec2.instances.terminate(['i-1', 'i-2'])).rejects.toMatchObject({ name: 'UnauthorizedOperation' });
    expect(idsOf(ec2.asked)).toEqual(['i-1', 'i-2']);
  });

  it('waits for EC2 when it was asked too fast', async () => {
    await using ec2 = await ec2Answering(refusal('RequestLimitExceeded', 503), terminated);
    await ec2.instances.terminate(['i-1']);
    expect(idsOf(ec2.asked)).toEqual(['i-1', 'i-1']);
  });
});
