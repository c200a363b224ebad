import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { describe, expect, it, onTestFinished } from 'vitest';
import { adminToken, hookReceiver, pipelineOf } from './gitlab-under-test.ts';

const command = fileURLToPath(new URL('../../../helper-scripts/local-gitlab/local-gitlab.command.ts', import.meta.url));

describe('the local GitLab as a process of its own', () => {
  it('prints its URL, is driven over /_local/ and ends with SIGTERM', async () => {
    const receiver = await hookReceiver();
    const child = spawn(process.execPath, [command, '--admin-token', adminToken], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    onTestFinished(() => void child.kill('SIGKILL'));
    const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
    const read = async () => JSON.parse((await lines.next()).value as string) as Record<string, unknown>;
    const { url } = await read();
    const local = async (method: string, path: string, body?: object) => {
      const response = await fetch(`${String(url)}/_local${path}`, {
        method,
        headers: { 'PRIVATE-TOKEN': adminToken, 'Content-Type': 'application/json' },
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      });
      const text = await response.text();
      return { status: response.status, body: (text === '' ? null : JSON.parse(text)) as Record<string, unknown> };
    };

    expect((await local('PUT', '/webhook', { url: receiver.url })).status).toBe(204);
    const project = await local('POST', '/projects', { path: 'group/app' });
    expect(project.body).toMatchObject({ id: expect.any(Number), path: 'group/app' });
    expect((await local('POST', '/pipelines', { project: 'group/none', yaml: 'a: { script: b }' })).status).toBe(404);
    expect(
      (await local('POST', '/pipelines', { project: 'group/app', yaml: 'a: { script: b, rules: [] }' })).status,
    ).toBe(400);
    const yaml = pipelineOf({ compile: ['aws'] });
    expect((await local('POST', '/pipelines', { project: 'group/app', yaml })).body).toMatchObject({
      status: 'pending',
    });
    expect([await read(), await read()]).toMatchObject([
      { name: 'compile', from: null, to: 'created' },
      { name: 'compile', from: 'created', to: 'pending' },
    ]);

    const effect = { kind: 'respond', status: 429 };
    expect((await local('POST', '/faults/routes', { path: '/api/v4/version', times: 1, effect })).status).toBe(201);
    expect((await local('POST', '/faults/routes', { path: '/x', effect: { kind: 'explode' } })).status).toBe(400);
    expect((await fetch(`${String(url)}/api/v4/version`)).status).toBe(429);

    const [job] = (await local('GET', '/state')).body.jobs as { id: number }[];
    await local('POST', '/shared-runner', { tags: ['aws'], runUntagged: false, delayMs: 1, durationMs: 1 });
    expect([await read(), await read()]).toMatchObject([{ to: 'running' }, { to: 'success' }]);
    expect((await local('POST', `/jobs/${job?.id}/retry`)).status).toBe(201);
    const changes = (await local('GET', '/changes?after=4')).body as unknown as { to: string }[];
    expect(changes.slice(0, 2).map(({ to }) => to)).toEqual(['created', 'pending']);

    child.kill('SIGTERM');
    expect(await once(child, 'exit')).toEqual([0, null]);
    expect(receiver.statuses('compile').slice(0, 2)).toEqual(['created', 'pending']);
  });
});
