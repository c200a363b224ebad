import { createServer, type IncomingHttpHeaders, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { createTenantInvocation } from '../../../../autoscaler/runner-types/lambda/runner-function.client.ts';
import { createAwsPost } from '../../../../infrastructure/kit/aws/signed-aws.client.ts';
import { jobPayload } from '../../../lambda-shell-runner/executions.ts';

const functionArn = 'arn:aws:lambda:eu-west-1:123456789012:function:shell-runner';
const servers: Server[] = [];

afterEach(() => {
  for (const server of servers.splice(0)) server.close();
});

/** A Lambda that answers so. */
async function lambdaThat(status: number, text = '') {
  const calls: { path: string | undefined; headers: IncomingHttpHeaders; body: unknown }[] = [];
  const server = createServer(async (request, response) => {
    const body: unknown = JSON.parse(Buffer.concat(await request.toArray()).toString('utf8'));
    calls.push({ path: request.url, headers: request.headers, body });
    response.writeHead(status, { connection: 'close' }).end(text);
  });
  servers.push(server);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const invoke = createTenantInvocation(
    createAwsPost({
      region: 'eu-west-1',
      accessKeyId: 'fake-access-key',
      secretAccessKey: 'not-a-real-secret',
      endpointUrl: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    }),
  );
  return { invoke: () => invoke(functionArn, 'project-123', jobPayload()), calls };
}

describe('an invocation for one tenant', () => {
  it('names function and tenant, and does not wait for the job', async () => {
    const { invoke, calls } = await lambdaThat(202);
    await invoke();
    expect(calls).toMatchObject([
      {
        path: '/2015-03-31/functions/shell-runner/invocations',
        headers: { 'x-amz-invocation-type': 'Event', 'x-amz-tenant-id': 'project-123' },
        body: { kind: 'run-job', job: { projectId: 123 } },
      },
    ]);
    expect(calls[0]?.headers.authorization).toMatch(/\/lambda\/aws4_request.*SignedHeaders=[^,]*x-amz-tenant-id/);
  });

  it.each([
    [429, 'RunnerFunctionUnavailableError'],
    [503, 'RunnerFunctionUnavailableError'],
    [403, 'RunnerFunctionRefusedError'],
    [404, 'RunnerFunctionRefusedError'],
  ])('fails with what Lambda said: %s is %s', async (status, name) => {
    const { invoke } = await lambdaThat(status, '{"Message":"no such thing"}');
    await expect(invoke()).rejects.toMatchObject({
      name,
      message: expect.stringMatching(`shell-runner for project-123: ${status} .*no such thing`),
    });
  });

  it('is worth another try when nobody answered', async () => {
    const { invoke } = await lambdaThat(202);
    servers[0]?.close();
    await expect(invoke()).rejects.toMatchObject({ name: 'RunnerFunctionUnavailableError' });
  });
});
