import { Hono } from 'hono';
import { expect, it } from 'vitest';
import { answerCloudFormation } from '../../../autoscaler/destroy/cloudformation.client.ts';
import { serveLoopback } from '../../support/loopback.ts';

it('an answer is put without a content type, which the signature of its URL does not have, and again after trouble', async () => {
  const asked: { readonly method: string; readonly type: string | undefined; readonly body: unknown }[] = [];
  const app = new Hono().all('*', async (context) => {
    asked.push({
      method: context.req.method,
      type: context.req.header('content-type'),
      body: JSON.parse(await context.req.text()),
    });
    return context.text('', asked.length === 1 ? 503 : 200);
  });
  await using loopback = await serveLoopback(app);
  await answerCloudFormation(`${loopback.url}/answer?Signature=x`, { Status: 'SUCCESS' });
  expect(asked).toHaveLength(2);
  expect(asked[1]).toMatchObject({ method: 'PUT', body: { Status: 'SUCCESS' } });
  expect(asked[1]?.type ?? '').toBe('');
});
