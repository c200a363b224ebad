import { EC2Client } from '@aws-sdk/client-ec2';
import { Hono } from 'hono';
import { expect, it } from 'vitest';
import { createInstanceStates } from '../../../../autoscaler/start-runner/ec2/instance-states.client.ts';
import { serveLoopback } from '../../../support/loopback.ts';

const described = (state: string) =>
  `<DescribeInstancesResponse xmlns="http://ec2.amazonaws.com/doc/2016-11-15/"><reservationSet><item><instancesSet><item><instanceId>i-1</instanceId><instanceState><name>${state}</name></instanceState></item></instancesSet></item></reservationSet></DescribeInstancesResponse>`;
const refused = (code: string) =>
  `<Response><Errors><Error><Code>${code}</Code><Message>as asked</Message></Error></Errors></Response>`;

async function isGone(body: string, status: 200 | 400 = 200): Promise<boolean> {
  const app = new Hono().post('/', (context) => context.body(body, status, { 'content-type': 'text/xml' }));
  await using loopback = await serveLoopback(app);
  const credentials = { accessKeyId: 'fake', secretAccessKey: 'not-a-real-secret' };
  const client = new EC2Client({ endpoint: loopback.url, region: 'eu-west-1', credentials, maxAttempts: 1 });
  return await createInstanceStates(client).isGone('i-1');
}

it.each([
  ['pending', false],
  ['running', false],
  ['stopping', false],
  ['stopped', false],
  ['shutting-down', true],
  ['terminated', true],
])('an instance that is %s: gone is %s', async (state, gone) => {
  expect(await isGone(described(state))).toBe(gone);
});

it('an instance that EC2 has forgotten is gone', async () => {
  expect(await isGone(refused('InvalidInstanceID.NotFound'), 400)).toBe(true);
});

it('an instance of which nothing can be told is not', async () => {
  await expect(isGone(refused('UnauthorizedOperation'), 400)).rejects.toMatchObject({ name: 'UnauthorizedOperation' });
});
