import { EC2Client } from '@aws-sdk/client-ec2';
import { Hono } from 'hono';
import { createInstances } from '../../../../autoscaler/runner-types/ec2/instances.client.ts';
import type { BackoffPorts } from '../../../../infrastructure/kit/lambda/backoff.ts';
import { serveLoopback } from '../../../support/loopback.ts';

/** Waits that take no time. */
export const hastyBackoff: BackoffPorts = { now: () => 0, sleep: async () => {}, random: () => 0.5 };

export type Answer = { readonly status?: 200 | 400 | 403 | 500 | 503; readonly body: string };

export const refusal = (code: string, status: Answer['status'] = 400): Answer => ({
  status,
  body: `<Response><Errors><Error><Code>${code}</Code><Message>as asked</Message></Error></Errors><RequestID>r</RequestID></Response>`,
});
export const fleet = (content: string): Answer => ({
  body: `<CreateFleetResponse xmlns="http://ec2.amazonaws.com/doc/2016-11-15/"><requestId>r</requestId><fleetId>fleet-1</fleetId>${content}</CreateFleetResponse>`,
});
export const instanceSet = (...sets: readonly (readonly string[])[]) =>
  `<fleetInstanceSet>${sets
    .map((ids) => `<item><instanceIds>${ids.map((id) => `<item>${id}</item>`).join('')}</instanceIds></item>`)
    .join('')}</fleetInstanceSet>`;
export const errorSet = (...codes: readonly string[]) =>
  `<errorSet>${codes.map((code) => `<item><errorCode>${code}</errorCode><errorMessage>as asked</errorMessage></item>`).join('')}</errorSet>`;

/** An EC2 that gives these answers, one after the other (the last one for ever), and keeps what it was asked. */
export async function ec2Answering(...answers: readonly Answer[]) {
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
    instances: createInstances(client, hastyBackoff),
  };
}
