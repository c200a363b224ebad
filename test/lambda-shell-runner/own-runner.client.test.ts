import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { removeOwnRunner } from '../../lambda-shell-runner/own-runner.client.ts';
import { createPrivateAuthority } from '../support/private-authority.ts';
import { fakeToken } from './executions.ts';

const servers: Server[] = [];

afterEach(() => {
  for (const server of servers.splice(0)) server.close();
});

async function gitlabThatAnswers(status: number) {
  const requests: string[] = [];
  const server = createServer(async (request, response) => {
    const body = Buffer.concat(await request.toArray()).toString('utf8');
    requests.push(`${request.method} ${request.url} ${request.headers['content-type']} ${body}`);
    response.writeHead(status, { connection: 'close' }).end();
  });
  servers.push(server);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return { requests, url: `http://127.0.0.1:${(server.address() as AddressInfo).port}` };
}

describe('removing one’s own runner', () => {
  it.each(['', '/'])('asks GitLab with nothing but the runner’s token (address ending in "%s")', async (end) => {
    const { url, requests } = await gitlabThatAnswers(204);
    await removeOwnRunner(`${url}/gitlab${end}`, fakeToken);
    expect(requests).toEqual([`DELETE /gitlab/api/v4/runners application/json {"token":"${fakeToken}"}`]);
  });

  it.each([403, 404])('is done when the runner is gone already (%i)', async (status) => {
    const { url } = await gitlabThatAnswers(status);
    await expect(removeOwnRunner(url, fakeToken)).resolves.toBeUndefined();
  });

  it('fails with what GitLab answered, without the token', async () => {
    const { url } = await gitlabThatAnswers(500);
    const error = await removeOwnRunner(url, fakeToken).catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ name: 'RunnerNotRemovedError', message: expect.stringContaining('500') });
    expect(String(error)).not.toContain(fakeToken);
  });

  it('fails with what to do when GitLab’s certificate is not accepted', async () => {
    const { url, requests } = await gitlabThatAnswers(204);
    await using secure = await createPrivateAuthority().serveByTls(url);
    await expect(removeOwnRunner(secure.url, fakeToken)).rejects.toMatchObject({
      name: 'RunnerNotRemovedError',
      message: expect.stringMatching(/not accepted \(.*gitlab\.caCertificates/),
    });
    expect(requests).toEqual([]);
  });

  it('fails when GitLab cannot be reached', async () => {
    await expect(removeOwnRunner('http://127.0.0.1:1', fakeToken)).rejects.toMatchObject({
      name: 'RunnerNotRemovedError',
      message: expect.stringContaining('reachable'),
    });
  });
});
