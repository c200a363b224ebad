import { Hono } from 'hono';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { systemBackoffPorts } from '../../../infrastructure/lib/backoff.ts';
import { createGitLab } from '../../../infrastructure/lib/gitlab.client.ts';
import { gitlabBackoff, requestTimeoutMilliseconds } from '../../../infrastructure/lib/gitlab-requester.client.ts';
import { serveLoopback } from '../../support/loopback.ts';
import { createPrivateAuthority } from '../../support/private-authority.ts';
import { accessToken, gitlabAnswering, type StubAnswer } from './gitlab-stub.ts';

afterEach(() => {
  vi.restoreAllMocks();
});

const job: StubAnswer = { body: { id: 1, status: 'pending', tag_list: [] } };
const refusalOf = (promise: Promise<unknown>) =>
  promise.then(
    () => {
      throw new Error('it succeeded');
    },
    (error: unknown) => error as Error,
  );
/** Everything that an error says to logs and workflows, causes and stacks included. */
function textOf(error: unknown): string {
  if (!(error instanceof Error)) return JSON.stringify(error) ?? '';
  return `${error.name} ${error.message} ${error.stack} ${JSON.stringify(error)} ${textOf(error.cause)}`;
}

describe('a passing trouble of GitLab', () => {
  it.each([429, 500, 502, 503, 504])('is waited out: %i, then an answer', async (status) => {
    await using stub = await gitlabAnswering([{ status }, { status }, job]);
    expect(await stub.gitlab.readJob(7, 1)).toMatchObject({ status: 'pending' });
    expect(stub.waits).toEqual([125, 250]);
  });

  it('is waited out as long as GitLab asks for', async () => {
    await using stub = await gitlabAnswering([{ status: 429, headers: { 'retry-after': '3' } }, job]);
    await stub.gitlab.readJob(7, 1);
    expect(stub.waits).toEqual([3_000]);
  });

  it.each(['Wed, 21 Oct 2030 07:28:00 GMT', 'soon', '-1', '0'])(
    'is waited out as ever when GitLab asks for "%s"',
    async (value) => {
      await using stub = await gitlabAnswering([{ status: 429, headers: { 'retry-after': value } }, job]);
      await stub.gitlab.readJob(7, 1);
      expect(stub.waits).toEqual([125]);
    },
  );

  it('is not waited out for longer than a Lambda has', async () => {
    await using stub = await gitlabAnswering([{ status: 429, headers: { 'retry-after': '60' } }, job]);
    expect(await refusalOf(stub.gitlab.readJob(7, 1))).toMatchObject({ name: 'GitLabUnavailableError' });
    expect(stub.waits).toEqual([]);
  });

  it('that does not pass is an error that the workflow tries again, with what GitLab said', async () => {
    await using stub = await gitlabAnswering([{ status: 503, body: { message: 'GitLab is being upgraded' } }]);
    const error = await refusalOf(stub.gitlab.readJob(7, 1));
    expect(error).toMatchObject({ name: 'GitLabUnavailableError' });
    expect(error.message).toMatch(/^GET \/api\/v4\/projects\/7\/jobs\/1: 503 .*being upgraded/);
    expect(stub.asked).toHaveLength(gitlabBackoff.maxAttempts);
  });

  it('includes an answer that is none: a page of a proxy, cut off, not JSON', async () => {
    await using stub = await gitlabAnswering([{ raw: '{"id":1,' }, job]);
    expect(await stub.gitlab.readJob(7, 1)).toMatchObject({ status: 'pending' });
  });
});

describe('a GitLab that does not answer', () => {
  it('is given up after five seconds for each try', async () => {
    const timeout = AbortSignal.timeout.bind(AbortSignal);
    const asked = vi.spyOn(AbortSignal, 'timeout').mockImplementation(() => timeout(40));
    await using stub = await gitlabAnswering(['hang', 'hang', job]);
    expect(await stub.gitlab.readJob(7, 1)).toMatchObject({ status: 'pending' });
    expect(requestTimeoutMilliseconds).toBe(5_000);
    // gitbeaker sets another one, of five minutes.
    expect(asked.mock.calls.filter(([milliseconds]) => milliseconds === 5_000)).toHaveLength(3);
  });

  it('is unavailable when it hangs for ever, and the error names the host', async () => {
    const timeout = AbortSignal.timeout.bind(AbortSignal);
    vi.spyOn(AbortSignal, 'timeout').mockImplementation(() => timeout(20));
    await using stub = await gitlabAnswering(['hang']);
    const error = await refusalOf(stub.gitlab.readJob(7, 1));
    expect(error).toMatchObject({ name: 'GitLabUnavailableError', cause: { name: 'TimeoutError' } });
    expect(error.message).toContain(new URL(stub.url).host);
  });

  it('is unavailable when nobody listens', async () => {
    const gitlab = createGitLab({
      url: 'http://127.0.0.1:1',
      token: async () => accessToken,
      backoff: { ...gitlabBackoff, maxAttempts: 2 },
      backoffPorts: { ...systemBackoffPorts, sleep: async () => {} },
    });
    expect(await refusalOf(gitlab.readJob(7, 1))).toMatchObject({
      name: 'GitLabUnavailableError',
      message: expect.stringContaining('no answer from 127.0.0.1:1'),
    });
  });

  it('is not asked again when it is its certificate, which no other try changes', async () => {
    await using stub = await gitlabAnswering([job]);
    await using secure = await createPrivateAuthority().serveByTls(stub.url);
    const sleep = vi.fn(async () => {});
    const backoffPorts = { ...systemBackoffPorts, sleep };
    const gitlab = createGitLab({ url: secure.url, token: async () => accessToken, backoffPorts });
    expect(await refusalOf(gitlab.readJob(7, 1))).toMatchObject({
      name: 'GitLabUnavailableError',
      message: expect.stringMatching(/^GET .*: 127\.0\.0\.1:\d+ has a certificate .*; put .* gitlab\.caCertificates/),
    });
    expect(sleep).not.toHaveBeenCalled();
    expect(stub.asked).toEqual([]);
  });

  it('leaves a Lambda time to say so: all tries together take less than its thirty seconds', () => {
    const { budgetMilliseconds, longestDelayMilliseconds } = gitlabBackoff;
    expect(budgetMilliseconds + longestDelayMilliseconds + requestTimeoutMilliseconds).toBeLessThan(30_000);
  });
});

describe('a refusal of GitLab', () => {
  it.each([401, 403])('for want of rights says what to check, at once: %i', async (status) => {
    await using stub = await gitlabAnswering([{ status, body: { message: 'insufficient_scope' } }]);
    const error = await refusalOf(stub.gitlab.removeRunner(5));
    expect(error).toMatchObject({ name: 'GitLabRefusedError' });
    expect(error.message).toMatch(/insufficient_scope.*check the access token, its scopes and its role$/);
    expect(stub.asked).toHaveLength(1);
  });

  it.each([400, 409, 412, 422])('of the request itself says why, at once: %i', async (status) => {
    await using stub = await gitlabAnswering([{ status, body: { message: { tags_list: ['too many'] } } }]);
    const error = await refusalOf(stub.gitlab.removeRunner(5));
    expect(error).toMatchObject({ name: 'GitLabRefusedError', message: expect.stringContaining('too many') });
    expect(error.message).not.toContain('access token');
    expect(stub.asked).toHaveLength(1);
  });

  it('of a project that does not exist is told apart from one that does not answer', async () => {
    await using stub = await gitlabAnswering([{ status: 404, body: { message: '404 Project Not Found' } }]);
    const runner = { projectId: 7, description: '', maintenanceNote: '', tags: [], maximumTimeoutSeconds: 600 };
    expect(await refusalOf(stub.gitlab.createRunner(runner))).toMatchObject({ name: 'GitLabNotFoundError' });
  });

  it('with a long page is cut short', async () => {
    await using stub = await gitlabAnswering([{ status: 403, raw: '<p>'.repeat(10_000) }]);
    expect((await refusalOf(stub.gitlab.removeRunner(5))).message.length).toBeLessThan(500);
  });
});

describe('a GitLab below a path', () => {
  it('is asked below that path', async () => {
    const paths: string[] = [];
    const app = new Hono().all('*', (context) => {
      paths.push(context.req.path);
      return context.json({ id: 1, status: 'pending' });
    });
    await using server = await serveLoopback(app);
    const gitlab = createGitLab({ url: `${server.url}/gitlab`, token: async () => accessToken });
    await gitlab.readJob(7, 1);
    expect(paths).toEqual(['/gitlab/api/v4/projects/7/jobs/1']);
  });
});

describe('the access token', () => {
  it.each<[string, StubAnswer]>([
    ['a refusal', { status: 403, body: { message: 'no' } }],
    ['a passing trouble', { status: 502, raw: '<html>' }],
    ['an answer that is no JSON', { raw: 'nonsense' }],
  ])('is in no error: %s', async (_, answer) => {
    await using stub = await gitlabAnswering([answer]);
    const error = await refusalOf(stub.gitlab.readJob(7, 1));
    expect(stub.asked[0]?.token).toBe(accessToken);
    expect(textOf(error)).not.toContain(accessToken);
  });

  it('is asked for at every request, so that a new one counts', async () => {
    const tokens: (string | undefined)[] = [];
    const app = new Hono().all('*', (context) => {
      tokens.push(context.req.header('private-token'));
      return context.json({ id: 1, status: 'pending' });
    });
    await using server = await serveLoopback(app);
    let number = 0;
    const token = async () => {
      number += 1;
      return `glpat-fake-${number}`;
    };
    const gitlab = createGitLab({ url: server.url, token });
    await gitlab.readJob(7, 1);
    await gitlab.pauseRunner(5);
    expect(tokens).toEqual(['glpat-fake-1', 'glpat-fake-2']);
  });

  it('that cannot be had is the error, by its own name', async () => {
    const unavailable = Object.assign(new Error('no secret'), { name: 'SecretUnavailableError' });
    const gitlab = createGitLab({ url: 'http://127.0.0.1:1', token: () => Promise.reject(unavailable) });
    expect(await refusalOf(gitlab.readJob(7, 1))).toMatchObject({ name: 'SecretUnavailableError' });
  });

  it('does not go to another host that GitLab, or a proxy before it, sends us to', async () => {
    const seen: (string | undefined)[] = [];
    const elsewhere = new Hono().all('*', (context) => {
      seen.push(context.req.header('private-token'));
      return context.json({ id: 1, status: 'pending' });
    });
    await using other = await serveLoopback(elsewhere);
    await using stub = await gitlabAnswering([{ status: 302, headers: { location: `${other.url}/sign-in` } }]);
    await stub.gitlab.readJob(7, 1).catch(() => {});
    expect(seen).not.toContain(accessToken);
  });
});
