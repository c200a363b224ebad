import { describe, expect, it } from 'vitest';
import { Faults } from '../../../helper-scripts/local-gitlab/faults.ts';
import { call, gitlabUnderTest } from './gitlab-under-test.ts';

const tooMany = { kind: 'respond', status: 429, headers: { 'Retry-After': '2' } } as const;

describe('a fault of a route', () => {
  it('answers so many requests and then no more', async () => {
    const gitlab = await gitlabUnderTest();
    gitlab.faults.addRoute({ path: '/api/v4/version', times: 2, effect: tooMany });
    const answers = [];
    for (let request = 0; request < 3; request += 1) answers.push(await call(gitlab, 'GET', '/version'));
    expect(answers.map(({ status }) => status)).toEqual([429, 429, 200]);
    expect(answers[0]?.headers.get('retry-after')).toBe('2');
    expect(gitlab.faults.list()).toEqual([]);
  });

  it('strikes only its method and path, until it is cleared', async () => {
    const gitlab = await gitlabUnderTest();
    const id = gitlab.faults.addRoute({
      method: 'GET',
      path: '/api/v4/projects/**',
      effect: { kind: 'respond', status: 500 },
    });
    expect((await call(gitlab, 'GET', '/projects/group%2Fapp/jobs')).status).toBe(500);
    expect((await call(gitlab, 'POST', '/projects/group%2Fapp/pipeline')).status).toBe(404);
    expect((await call(gitlab, 'GET', '/version')).status).toBe(200);
    gitlab.faults.clear(id);
    expect((await call(gitlab, 'GET', '/projects/group%2Fapp/jobs')).status).toBe(404);
  });

  it('can break the connection', async () => {
    const gitlab = await gitlabUnderTest();
    gitlab.faults.addRoute({ path: '/api/v4/version', times: 1, effect: { kind: 'drop' } });
    await expect(call(gitlab, 'GET', '/version')).rejects.toThrow('fetch failed');
    expect((await call(gitlab, 'GET', '/version')).status).toBe(200);
  });

  it('can leave a request without an answer for ever, and the server still stops', async () => {
    const gitlab = await gitlabUnderTest();
    gitlab.faults.addRoute({ path: '/api/v4/version', times: 1, effect: { kind: 'hang' } });
    const first = fetch(`${gitlab.url}/api/v4/version`, { signal: AbortSignal.timeout(200) });
    await expect(first).rejects.toThrow('timeout');
    gitlab.faults.addRoute({ path: '/api/v4/version', times: 1, effect: { kind: 'hang' } });
    const second = call(gitlab, 'GET', '/version').catch((error: Error) => error.message);
    await call(gitlab, 'GET', '/user');
    await gitlab.stop();
    expect(await second).toBe('fetch failed');
  });

  it('can delay an answer', async () => {
    const gitlab = await gitlabUnderTest();
    gitlab.faults.addRoute({ path: '/api/v4/version', times: 1, effect: { kind: 'delay', milliseconds: 200 } });
    const order: string[] = [];
    const slow = call(gitlab, 'GET', '/version').then(({ status }) => order.push(`slow ${status}`));
    await call(gitlab, 'GET', '/version').then(({ status }) => order.push(`fast ${status}`));
    await slow;
    expect(order).toEqual(['fast 200', 'slow 200']);
  });
});

describe('several faults', () => {
  it('strike in the order in which they came', () => {
    const faults = new Faults();
    faults.addRoute({ path: '/**', times: 1, effect: { kind: 'drop' } });
    faults.addRoute({ path: '/**', effect: tooMany });
    expect([1, 2, 3].map(() => faults.strikeRoute('GET', '/x')?.kind)).toEqual(['drop', 'respond', 'respond']);
    faults.clear();
    expect(faults.strikeRoute('GET', '/x')).toBeUndefined();
  });
});

it('a GitLab that goes down answers nothing, and comes back under its address with all that it knew', async () => {
  const gitlab = await gitlabUnderTest();
  gitlab.createProject('group/kept');
  await gitlab.goDown();
  await gitlab.goDown();
  await expect(call(gitlab, 'GET', '/version')).rejects.toThrow('fetch failed');
  const { url } = gitlab;
  await gitlab.comeBack();
  expect(gitlab.url).toBe(url);
  expect((await call(gitlab, 'GET', '/projects/group%2Fkept/jobs')).status).toBe(200);
});
