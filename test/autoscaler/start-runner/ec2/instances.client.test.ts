import { EC2Client } from '@aws-sdk/client-ec2';
import { Hono } from 'hono';
import { describe, expect, it } from 'vitest';
import type { FleetRequest } from '../../../../autoscaler/start-runner/ec2/fleet.ts';
import { createInstances, fleetOf } from '../../../../autoscaler/start-runner/ec2/instances.client.ts';
import { serveLoopback } from '../../../support/loopback.ts';
import { launchProfile } from './launch-world.ts';

const request = (changes: Partial<FleetRequest> = {}): FleetRequest => ({
  profile: launchProfile(),
  subnetIds: ['subnet-1', 'subnet-2'],
  lifecycle: 'spot',
  count: 2,
  tags: { 'gitlab-runners-on-demand:launch-group': 'g' },
  ...changes,
});

type Answer = { readonly status?: 200 | 400 | 403 | 500 | 503; readonly body: string };

const refusal = (code: string, status: Answer['status'] = 400): Answer => ({
  status,
  body: `<Response><Errors><Error><Code>${code}</Code><Message>as asked</Message></Error></Errors><RequestID>r</RequestID></Response>`,
});
const fleet = (content: string): Answer => ({
  body: `<CreateFleetResponse xmlns="http://ec2.amazonaws.com/doc/2016-11-15/"><requestId>r</requestId><fleetId>fleet-1</fleetId>${content}</CreateFleetResponse>`,
});
const instanceSet = (...sets: readonly (readonly string[])[]) =>
  `<fleetInstanceSet>${sets
    .map((ids) => `<item><instanceIds>${ids.map((id) => `<item>${id}</item>`).join('')}</instanceIds></item>`)
    .join('')}</fleetInstanceSet>`;
const errorSet = (...codes: readonly string[]) =>
  `<errorSet>${codes.map((code) => `<item><errorCode>${code}</errorCode><errorMessage>as asked</errorMessage></item>`).join('')}</errorSet>`;

/** An EC2 that gives these answers, one after the other (the last one for ever), and keeps what it was asked. */
async function ec2Answering(...answers: readonly Answer[]) {
  const asked: URLSearchParams[] = [];
  const app = new Hono().post('/', async (context) => {
    const { body, status = 200 } = answers[Math.min(asked.length, answers.length - 1)] ?? { body: '' };
    asked.push(new URLSearchParams(await context.req.text()));
    return context.body(body, status, { 'content-type': 'text/xml' });
  });
  const loopback = await serveLoopback(app);
  const credentials = { accessKeyId: 'fake', secretAccessKey: 'not-a-real-secret' };
  const client = new EC2Client({ endpoint: loopback.url, region: 'eu-west-1', credentials, maxAttempts: 1 });
  return {
    ...loopback,
    [Symbol.asyncDispose]: loopback[Symbol.asyncDispose],
    asked,
    instances: createInstances(client),
  };
}

describe('a launch', () => {
  it('gives the instances, sorted, from however many sets they come', async () => {
    await using ec2 = await ec2Answering(fleet(instanceSet(['i-3', 'i-1'], [], ['i-2'])));
    expect(await ec2.instances.launch(request(), 'token')).toEqual({
      instanceIds: ['i-1', 'i-2', 'i-3'],
      errorCodes: [],
      ended: false,
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
      ended: false,
    });
  });

  it.each(['', instanceSet(), instanceSet([])])('without instances and errors gives none: "%s"', async (content) => {
    await using ec2 = await ec2Answering(fleet(content));
    expect(await ec2.instances.launch(request(), 'token')).toEqual({ instanceIds: [], errorCodes: [], ended: false });
  });

  it.each([
    ['inside a 200', fleet(errorSet('UnfulfillableCapacity', 'InsufficientInstanceCapacity'))],
    ['as a refusal', refusal('MaxSpotInstanceCountExceeded')],
  ])('without capacity is an answer, no error: %s', async (_, answer) => {
    await using ec2 = await ec2Answering(answer);
    const { instanceIds, errorCodes, ended } = await ec2.instances.launch(request(), 'token');
    expect([instanceIds, ended]).toEqual([[], false]);
    expect(errorCodes.length).toBeGreaterThan(0);
  });

  it.each([
    ['inside a 200', fleet(errorSet('RequestLimitExceeded'))],
    ['as a refusal', refusal('RequestLimitExceeded', 503)],
    ['as an inner trouble of EC2', refusal('InternalError', 500)],
  ])('that comes too fast is to be asked for later: %s', async (_, answer) => {
    await using ec2 = await ec2Answering(answer);
    await expect(ec2.instances.launch(request(), 'token')).rejects.toMatchObject({ name: 'LaunchThrottledError' });
  });

  it.each([
    ['inside a 200', fleet(errorSet('InvalidLaunchTemplateId.NotFound')), 'InvalidLaunchTemplateId.NotFound'],
    ['as a refusal', refusal('UnauthorizedOperation', 403), 'UnauthorizedOperation'],
    ['as a token used with other parameters', refusal('IdempotentParameterMismatch'), 'IdempotentParameterMismatch'],
  ])('that a person must mend says so, and what EC2 said: %s', async (_, answer, code) => {
    await using ec2 = await ec2Answering(answer);
    const refused = ec2.instances.launch(request(), 'token');
    await expect(refused).rejects.toMatchObject({ name: 'PermanentLaunchError' });
    await expect(refused).rejects.toThrow(`${code}: as asked`);
  });

  it('whose instances are gone already is told apart from a new one', async () => {
    await using ec2 = await ec2Answering(refusal('IdempotentInstanceTerminated'));
    expect(await ec2.instances.launch(request(), 'token')).toEqual({
      instanceIds: [],
      errorCodes: ['IdempotentInstanceTerminated'],
      ended: true,
    });
  });

  it('that nobody answers fails with what happened, so that the message comes again', async () => {
    const client = new EC2Client({
      endpoint: 'http://127.0.0.1:1',
      region: 'eu-west-1',
      credentials: { accessKeyId: 'fake', secretAccessKey: 'not-a-real-secret' },
      maxAttempts: 1,
    });
    const refused = createInstances(client).launch(request(), 'token');
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
    const profile = launchProfile({ maxPriceUsd: 0.05 });
    expect(fleetOf(request({ profile }))).toMatchObject({
      Type: 'instant',
      TargetCapacitySpecification: { TotalTargetCapacity: 2, DefaultTargetCapacityType: 'spot' },
      SpotOptions: { AllocationStrategy: 'price-capacity-optimized', InstanceInterruptionBehavior: 'terminate' },
    });
    expect(overridesOf({ profile }).every(({ MaxPrice }) => MaxPrice === '0.05')).toBe(true);
    expect(overridesOf().some((override) => 'MaxPrice' in override)).toBe(false);
  });

  it('for on-demand says nothing of spot', () => {
    const profile = launchProfile({ maxPriceUsd: 0.05 });
    const onDemand = fleetOf(request({ lifecycle: 'on-demand', profile }));
    expect(onDemand).toMatchObject({
      TargetCapacitySpecification: { DefaultTargetCapacityType: 'on-demand' },
      OnDemandOptions: { AllocationStrategy: 'lowest-price' },
    });
    expect(JSON.stringify(onDemand)).not.toMatch(/SpotOptions|MaxPrice/);
  });

  it('tags the instances', () => {
    expect(fleetOf(request()).TagSpecifications).toContainEqual({
      ResourceType: 'instance',
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
    await using ec2 = await ec2Answering(refusal('RequestLimitExceeded', 503), terminated);
    await expect(ec2.instances.terminate(['i-1', 'i-2'])).rejects.toMatchObject({ name: 'RequestLimitExceeded' });
    expect(idsOf(ec2.asked)).toEqual(['i-1', 'i-2']);
  });
});
