import { describe, expect, it } from 'vitest';
import type { LocalGitLab } from '../../../helper-scripts/local-gitlab/local-gitlab.ts';
import { createRunnerManagers, type RunnerManagers } from '../../../infrastructure/gitlab/gitlab-managers.client.ts';
import { type Answer, adminToken, call, gitlabUnderTest } from '../../helper-scripts/local-gitlab/gitlab-under-test.ts';
import { gitlabAnswering } from './gitlab-stub.ts';

const made = (answer: Answer) => answer.body as { readonly id: number; readonly token: string };

/** A runner of a project with one job, in a real enough GitLab. */
async function world() {
  const gitlab = await gitlabUnderTest();
  const project = gitlab.createProject('group/project');
  const input = { runner_type: 'project_type', project_id: project.id, tag_list: 'docker', run_untagged: false };
  const runner = made(await call(gitlab, 'POST', '/user/runners', input));
  const managers = createRunnerManagers({ url: gitlab.url, token: async () => adminToken });
  return { gitlab, project, runner, managers };
}

/** The host asks for a job, as gitlab-runner does. */
const ask = (gitlab: LocalGitLab, token: string, systemId: string) => {
  const info = { features: { cancel_gracefully: true } };
  return call(gitlab, 'POST', '/jobs/request', { token, system_id: systemId, info }, {});
};

describe('a runner with many hosts', () => {
  it('is known by its token, and nobody by another one', async () => {
    const { gitlab, runner, managers } = await world();
    expect(await managers.verify(runner.token)).toBe(runner.id);
    expect(await managers.verify('glrt-fake-of-nobody')).toBeNull();
    // Asking makes no host of who asks.
    expect((await call(gitlab, 'GET', `/runners/${runner.id}/managers`)).body).toEqual([]);
  });

  it('tells what it runs', async () => {
    const { gitlab, project, runner, managers } = await world();
    expect(await managers.readRunner(runner.id)).toEqual({
      tags: ['docker'],
      runUntagged: false,
      projectIds: [project.id],
    });
    const everybodys = made(await call(gitlab, 'POST', '/user/runners', { runner_type: 'instance_type' }));
    expect(await managers.readRunner(everybodys.id)).toEqual({ tags: [], runUntagged: true, projectIds: null });
    expect(await managers.readRunner(12_345)).toBeNull();
  });

  it('tells of each host what runs on it', async () => {
    const { gitlab, project, runner, managers } = await world();
    gitlab.createPipeline(project.id, 'one: { tags: [docker], script: [x] }\ntwo: { tags: [docker], script: [x] }');
    for (const systemId of ['s_000000000001', 's_000000000002']) await ask(gitlab, runner.token, systemId);
    const on = (systemId: string) => managers.runningJobsOf({ runnerId: runner.id, systemId });
    const [one, two] = gitlab.jobs();
    expect(await on('s_000000000001')).toEqual([{ projectId: project.id, jobId: one?.id }]);
    expect(await on('s_000000000002')).toEqual([{ projectId: project.id, jobId: two?.id }]);
    expect(await on('s_000000000003')).toEqual([]);
  });

  it('works on a job until GitLab need not wait for its cancellation any more', async () => {
    const { gitlab, project, runner, managers } = await world();
    gitlab.createPipeline(project.id, 'one: { tags: [docker], script: [x] }');
    const systemId = 's_000000000001';
    await ask(gitlab, runner.token, systemId);
    const [one] = gitlab.jobs();
    expect(gitlab.cancelJob(one?.id ?? 0).status).toBe('canceling');
    expect(await managers.runningJobsOf({ runnerId: runner.id, systemId })).toEqual([
      { projectId: project.id, jobId: one?.id },
    ]);
    gitlab.cancelJob(one?.id ?? 0, true);
    expect(await managers.runningJobsOf({ runnerId: runner.id, systemId })).toEqual([]);
  });

  it('loses a host, and stays', async () => {
    const { gitlab, runner, managers } = await world();
    for (const systemId of ['s_000000000001', 's_000000000002']) await ask(gitlab, runner.token, systemId);
    expect(await managers.remove(runner.token, 's_000000000001')).toBe(true);
    expect(await managers.remove(runner.token, 's_000000000001')).toBe(false);
    expect(await managers.remove('glrt-fake-of-nobody', 's_000000000002')).toBe(false);
    expect(gitlab.runners()).toMatchObject([{ id: runner.id, paused: false, systemIds: ['s_000000000002'] }]);
  });
});

describe('a GitLab that does not know the filter by host', () => {
  it('names the jobs of all hosts, of which those count that are not another’s', async () => {
    await using stub = await gitlabAnswering([
      { body: [1, 2, 3].map((id) => ({ id, status: 'running', project: { id: 7 } })) },
      { body: { id: 1, runner_manager: { system_id: 's_000000000002' } } },
      { body: { id: 2, runner_manager: { system_id: 's_000000000001' } } },
      { body: { id: 3 } },
    ]);
    const managers: RunnerManagers = createRunnerManagers({ url: stub.url, token: async () => 'glpat-fake' });
    const running = await managers.runningJobsOf({ runnerId: 5, systemId: 's_000000000001' });
    expect(running).toHaveLength(2);
    expect(stub.asked[0]).toMatchObject({ query: { status: 'running', system_id: 's_000000000001' } });
  });
});

describe('a token of a runner', () => {
  it.each([
    ['an access token that is refused', 401, '401 Unauthorized', 'GitLabTokenRefusedError'],
    ['an address that is refused', 403, '403 Forbidden  - Your IP is not allowed', 'GitLabRefusedError'],
    ['a rate limit', 429, 'Retry later', 'GitLabLimitError'],
  ])('is not taken for nobody’s because of %s', async (_what, status, message, name) => {
    const answer = { status, body: { message }, headers: { 'retry-after': '99' } };
    await using stub = await gitlabAnswering([answer]);
    const managers = createRunnerManagers({ url: stub.url, token: async () => 'glpat-fake' });
    await expect(managers.verify('glrt-fake')).rejects.toMatchObject({ name });
    await expect(managers.remove('glrt-fake', 's_000000000001')).rejects.toMatchObject({ name });
  });
});
