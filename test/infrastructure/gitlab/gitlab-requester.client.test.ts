import { Hono } from 'hono';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { createGitLab } from '../../../infrastructure/gitlab/gitlab.client.ts';
import { gitlabBackoff, requestTimeoutMilliseconds } from '../../../infrastructure/gitlab/gitlab-requester.client.ts';
import { systemBackoffPorts } from '../../../infrastructure/kit/lambda/backoff.ts';
import { serveLoopback } from '../../support/loopback.ts';
import { createPrivateAuthority } from '../../support/private-authority.ts';
import { accessToken, gitlabAnswering, type StubAnswer } from './gitlab-stub.ts';

afterEach(() => {
  vi.restoreAllMocks();
});

const job: StubAnswer = { body: { id: 1, status: 'pending', tag_list: [] } };
const runner = { projectId: 7, description: '', maintenanceNote: '', tags: [], maximumTimeoutSeconds: 600 };
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
  it.each([408, 409, 429, 500, 502, 503, 504])('is waited out: %i, then an answer', async (status) => {
    await using stub = await gitlabAnswering([{ status }, { status }, job]);
    expect(await stub.gitlab.readJob(7, 1)).toMatchObject({ status: 'pending' });
    expect(stub.waits).toEqual([125, 250]);
  });

  it('is waited out as long as GitLab asks for', async () => {
    await using stub = await gitlabAnswering([{ status: 429, headers: { 'retry-after': '3' } }, job]);
    await stub.gitlab.readJob(7, 1);
    expect(stub.waits).toEqual([3_000]);
  });

  it('is waited out until the date that GitLab names', async () => {
    const headers = { 'retry-after': 'Thu, 01 Jan 1970 00:00:02 GMT' };
    await using stub = await gitlabAnswering([{ status: 429, headers }, job]);
    await stub.gitlab.readJob(7, 1);
    expect(stub.waits).toEqual([2_000]);
  });

  it.each(['Wed, 31 Dec 1969 07:28:00 GMT', 'soon', '-1', '0', '1e1', 'Infinity', '', '2 apples'])(
    'is waited out as ever when GitLab asks for "%s"',
    async (value) => {
      await using stub = await gitlabAnswering([{ status: 429, headers: { 'retry-after': value } }, job]);
      await stub.gitlab.readJob(7, 1);
      expect(stub.waits).toEqual([125]);
    },
  );

  it.each(['60', '99999999999999999999999', `${'9'.repeat(400)}`, 'Wed, 21 Oct 2099 07:28:00 GMT'])(
    'is not waited out for longer than a Lambda has: it is a limit, and GitLab is left alone for %s',
    async (value) => {
      await using stub = await gitlabAnswering([{ status: 429, headers: { 'retry-after': value } }, job]);
      const error = await refusalOf(stub.gitlab.readJob(7, 1));
      expect(error).toMatchObject({ name: 'GitLabLimitError' });
      expect(error.message).toMatch(/\(and to wait \S+ s\); that is its rate limit/);
      expect(stub.waits).toEqual([]);
      expect(stub.asked).toHaveLength(1);
    },
  );

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

describe('what answers in the place of GitLab', () => {
  const page = '<!DOCTYPE html><title>Sign in</title>';
  const html = { 'content-type': 'text/html' };

  it.each<[string, StubAnswer]>([
    ['a login page', { raw: page, headers: html }],
    ['an empty answer', { raw: '' }],
    ['a proxy that wants a password', { status: 401, raw: page, headers: html }],
    ['a firewall', { status: 403, raw: 'Forbidden\n', headers: { 'content-type': 'text/plain' } }],
    ['a web server without such a page', { status: 404, raw: page, headers: html }],
    ['another API', { status: 404, body: { message: 'no Route matched with those values' } }],
    ['a redirect to a login page', { status: 302, headers: { location: 'https://sso.example.com/login?state=x' } }],
    ['a redirect to nowhere', { status: 302 }],
  ])('is no GitLab: %s says nothing of a job, and ends nothing', async (_what, answer) => {
    await using stub = await gitlabAnswering([answer]);
    const { gitlab } = stub;
    for (const ask of [() => gitlab.readJob(7, 1), () => gitlab.removeRunner(5)]) {
      const error = await refusalOf(ask());
      expect(error).toMatchObject({ name: 'GitLabUnavailableError' });
      expect(error.message).toMatch(/no answer of GitLab: does gitlab\.url name GitLab itself/);
    }
  });

  it('is told by the address that it sends us to, without what that says of us', async () => {
    const location = 'https://sso.example.com/login?token=not-a-real-secret';
    await using stub = await gitlabAnswering([{ status: 302, headers: { location } }]);
    const error = await refusalOf(stub.gitlab.readJob(7, 1));
    expect(error.message).toContain('redirected to https://sso.example.com/login;');
    expect(textOf(error)).not.toContain('not-a-real-secret');
  });
});

describe('a project that was renamed', () => {
  it('is found where GitLab says that it is now', async () => {
    const location = '/api/v4/projects/7';
    const project = { body: { id: 7, path_with_namespace: 'group/new' } };
    await using stub = await gitlabAnswering([{ status: 301, headers: { location } }, project]);
    expect(await stub.gitlab.findProject('group/old')).toEqual({ projectId: 7, path: 'group/new' });
    expect(stub.asked.map(({ line, token }) => [line, token])).toEqual([
      ['GET /api/v4/projects/group%2Fold', accessToken],
      ['GET /api/v4/projects/7', accessToken],
    ]);
  });

  it('is not followed out of the API, nor round and round, nor with anything that changes something', async () => {
    const redirect = (location: string): StubAnswer => ({ status: 307, headers: { location } });
    await using outside = await gitlabAnswering([redirect('/users/sign_in')]);
    await refusalOf(outside.gitlab.readJob(7, 1));
    expect(outside.asked.map(({ line }) => line)).not.toContain('GET /users/sign_in');
    await using round = await gitlabAnswering([redirect('/api/v4/projects/8')]);
    expect(await refusalOf(round.gitlab.readJob(7, 1))).toMatchObject({ name: 'GitLabUnavailableError' });
    expect(round.asked).toHaveLength(2 * gitlabBackoff.maxAttempts);
    await using change = await gitlabAnswering([redirect('/api/v4/runners/6')]);
    await refusalOf(change.gitlab.removeRunner(5));
    expect(change.asked.map(({ line }) => line)).not.toContain('DELETE /api/v4/runners/6');
  });
});

describe('a refusal of GitLab', () => {
  it.each([
    [401, { message: '401 Unauthorized' }],
    [401, { error: 'invalid_token', error_description: 'Token was revoked. You have to re-authorize from the user.' }],
    [403, { error: 'insufficient_scope', error_description: 'The request requires higher privileges', scope: 'api' }],
    [403, { message: '403 Forbidden  - Your account has been blocked.' }],
  ])('of the access token says what to check, at once: %i %o', async (status, body) => {
    await using stub = await gitlabAnswering([{ status, body }]);
    const error = await refusalOf(stub.gitlab.removeRunner(5));
    expect(error).toMatchObject({ name: 'GitLabTokenRefusedError', forEveryCall: status === 401 });
    expect(error.message).toMatch(/check the access token, its scopes .* "npm run -s cli -- secret gitlab-token"$/);
    expect(stub.asked).toHaveLength(1);
  });

  it('of the address that we come from is no fault of the token', async () => {
    const body = { message: '403 Forbidden  - Your IP address 203.0.113.7 is not allowed for this group' };
    await using stub = await gitlabAnswering([{ status: 403, body }]);
    const error = await refusalOf(stub.gitlab.removeRunner(5));
    expect(error).toMatchObject({ name: 'GitLabRefusedError', ofAddress: true });
    expect(error.message).toMatch(/allow the addresses that our functions come from/);
    expect(error.message).not.toContain('access token');
  });

  it('for want of a role says which', async () => {
    const body = { message: '403 Forbidden  - Insufficient permissions' };
    await using stub = await gitlabAnswering([{ status: 403, body }]);
    const error = await refusalOf(stub.gitlab.removeRunner(5));
    expect(error).toMatchObject({ name: 'GitLabRefusedError', message: expect.stringMatching(/role .*Maintainer/) });
    expect(stub.asked).toHaveLength(1);
  });

  it.each([
    [400, '400 Bad request - Runner projects base Maximum number of ci registered project runners (50) exceeded'],
    [400, { 'runner_namespaces.base': ['Maximum number of ci registered group runners (50) exceeded'] }],
    [403, '403 Forbidden  - Maximum number of ci registered project runners (1000) exceeded'],
  ])(
    'since there are as many runners as may be is a limit, which seconds do not change: %i',
    async (status, message) => {
      await using stub = await gitlabAnswering([{ status, body: { message } }]);
      const error = await refusalOf(stub.gitlab.createRunner(runner));
      expect(error).toMatchObject({ name: 'GitLabLimitError', message: expect.stringContaining('Maximum number') });
      expect(stub.asked).toHaveLength(1);
    },
  );

  it.each([400, 412, 422])('of the request itself says why, at once: %i', async (status) => {
    await using stub = await gitlabAnswering([{ status, body: { message: { tags_list: ['too many'] } } }]);
    const error = await refusalOf(stub.gitlab.removeRunner(5));
    expect(error).toMatchObject({ name: 'GitLabRefusedError', message: expect.stringContaining('too many') });
    expect(error.message).not.toContain('access token');
    expect(stub.asked).toHaveLength(1);
  });

  it('of a project that does not exist is told apart from one that does not answer', async () => {
    await using stub = await gitlabAnswering([{ status: 404, body: { message: '404 Project Not Found' } }]);
    expect(await refusalOf(stub.gitlab.createRunner(runner))).toMatchObject({ name: 'GitLabNotFoundError' });
  });

  it('of a call that it does not know does not say that a runner is gone', async () => {
    await using stub = await gitlabAnswering([{ status: 404, body: { error: '404 Not Found' } }]);
    const error = await refusalOf(stub.gitlab.removeRunner(5));
    expect(error).toMatchObject({ name: 'GitLabRefusedError', message: expect.stringContaining('older than 16.0') });
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
  const refused: StubAnswer = { status: 401, body: { message: '401 Unauthorized' } };

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

  it('that GitLab refuses is read anew at once, and the request made once more with another one', async () => {
    await using stub = await gitlabAnswering([refused, job], { rereadToken: async () => 'glpat-fake-new' });
    expect(await stub.gitlab.readJob(7, 1)).toMatchObject({ status: 'pending' });
    expect(stub.asked.map(({ token }) => token)).toEqual([accessToken, 'glpat-fake-new']);
  });

  it('that GitLab refuses is refused when no other one is stored, or GitLab refuses that one too', async () => {
    await using same = await gitlabAnswering([refused], { rereadToken: async () => accessToken });
    expect(await refusalOf(same.gitlab.readJob(7, 1))).toMatchObject({ name: 'GitLabTokenRefusedError' });
    expect(same.asked).toHaveLength(1);
    await using other = await gitlabAnswering([refused], { rereadToken: async () => 'glpat-fake-new' });
    expect(await refusalOf(other.gitlab.readJob(7, 1))).toMatchObject({ name: 'GitLabTokenRefusedError' });
    expect(other.asked).toHaveLength(2);
  });

  it('is not read anew for what is no fault of it', async () => {
    const rereadToken = vi.fn(async () => 'glpat-fake-new');
    for (const status of [400, 403, 429, 503]) {
      await using stub = await gitlabAnswering([{ status, body: { message: `${status} No` } }], { rereadToken });
      await refusalOf(stub.gitlab.readJob(7, 1));
    }
    expect(rereadToken).not.toHaveBeenCalled();
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
