import { EC2Client } from '@aws-sdk/client-ec2';
import { Hono } from 'hono';
import { expect, it } from 'vitest';
import {
  createInstanceStates,
  type InstanceStates,
} from '../../../../autoscaler/runner-types/ec2/instance-states.client.ts';
import { serveLoopback } from '../../../support/loopback.ts';

const described = (state: string) =>
  `<DescribeInstancesResponse xmlns="http://ec2.amazonaws.com/doc/2016-11-15/"><reservationSet><item><instancesSet><item><instanceId>i-1</instanceId><instanceState><name>${state}</name></instanceState></item></instancesSet></item></reservationSet></DescribeInstancesResponse>`;
const refused = (code: string) =>
  `<Response><Errors><Error><Code>${code}</Code><Message>as asked</Message></Error></Errors></Response>`;

async function asked<T>(body: string, status: 200 | 400, ask: (states: InstanceStates) => Promise<T>): Promise<T> {
  const app = new Hono().post('/', (context) => context.body(body, status, { 'content-type': 'text/xml' }));
  await using loopback = await serveLoopback(app);
  const credentials = { accessKeyId: 'fake', secretAccessKey: 'not-a-real-secret' };
  const client = new EC2Client({ endpoint: loopback.url, region: 'eu-west-1', credentials, maxAttempts: 1 });
  return await ask(createInstanceStates(client));
}

const isGone = (body: string, status: 200 | 400 = 200) => asked(body, status, (states) => states.isGone('i-1'));

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

it('of an instance that died at its launch EC2 says why', async () => {
  const reason =
    '<stateReason><code>Client.InternalError</code><message>Client error on launch</message></stateReason>';
  const body = described('terminated').replace('</instanceState>', `</instanceState>${reason}`);
  expect(await asked(body, 200, (states) => states.stateReasonOf('i-1'))).toBe(
    'Client.InternalError: Client error on launch',
  );
  const told = reason.replace('Client error', 'Client.InternalError: Client error');
  const other = described('terminated').replace('</instanceState>', `</instanceState>${told}`);
  expect(await asked(other, 200, (states) => states.stateReasonOf('i-1'))).toBe(
    'Client.InternalError: Client error on launch',
  );
  expect(await asked(described('running'), 200, (states) => states.stateReasonOf('i-1'))).toBeNull();
});
