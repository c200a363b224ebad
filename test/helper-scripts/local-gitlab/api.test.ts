import { Gitlab } from '@gitbeaker/rest';
import { describe, expect, it } from 'vitest';
import {
  adminToken,
  askForJob,
  call,
  gitlabUnderTest,
  pipelineOf,
  registerRunner,
  requestJob,
  updateJob,
} from './gitlab-under-test.ts';

describe('the access token', () => {
  it('is taken as PRIVATE-TOKEN or as bearer, and nothing is shown without it', async () => {
    const gitlab = await gitlabUnderTest();
    expect((await call(gitlab, 'GET', '/user', undefined, { Authorization: `Bearer ${adminToken}` })).status).toBe(200);
    for (const headers of [{}, { 'PRIVATE-TOKEN': 'wrong' }] as Record<string, string>[]) {
      for (const path of ['/user', '/runners', '/projects/group%2Fapp/jobs']) {
        const answer = await call(gitlab, 'GET', path, undefined, headers);
        expect(answer).toMatchObject({ status: 401, body: { message: '401 Unauthorized' } });
      }
    }
    expect((await fetch(`${gitlab.url}/_local/state`)).status).toBe(401);
  });
});

describe('gitbeaker', () => {
  async function connect() {
    const gitlab = await gitlabUnderTest();
    const project = gitlab.createProject('group/sub/app');
    return { gitlab, project, api: new Gitlab({ host: gitlab.url, token: adminToken, queryTimeout: 5000 }) };
  }

  it('is told which branches are protected, and that there are no others', async () => {
    const { gitlab, project, api } = await connect();
    gitlab.createPipeline(project.id, pipelineOf({ a: [] }), { ref: 'topic/one' });
    expect(await api.Branches.show(project.id, 'main')).toMatchObject({ name: 'main', protected: true });
    expect(await api.Branches.show(project.id, 'topic/one')).toMatchObject({ protected: false });
    await expect(api.Branches.show(project.id, 'refs/merge-requests/1/head')).rejects.toThrow(/Branch Not Found/);
    await expect(api.Tags.show(project.id, 'main')).rejects.toThrow(/Tag Not Found/);
  });

  it('protects branches by name and by wildcard, and ends that', async () => {
    const { gitlab, project, api } = await connect();
    const isProtected = async (ref: string) => {
      gitlab.createPipeline(project.id, pipelineOf({ a: [] }), { ref });
      return (await api.Branches.show(project.id, ref)).protected;
    };
    await api.ProtectedBranches.create(project.id, 'release/*');
    await expect(api.ProtectedBranches.create(project.id, 'release/*')).rejects.toThrow(/already exists/);
    expect((await api.ProtectedBranches.all(project.id)).map(({ name }) => name)).toEqual(['main', 'release/*']);
    expect(await isProtected('release/1/hotfix')).toBe(true);
    expect(await isProtected('a/release/1')).toBe(false);
    await api.ProtectedBranches.remove(project.id, 'release/*');
    expect(await isProtected('release/1/hotfix')).toBe(false);
    await expect(api.ProtectedBranches.remove(project.id, 'release/*')).rejects.toThrow(/Not found/);
  });

  it('protects git tags by themselves, whose jobs say that they are of a tag', async () => {
    const { gitlab, project, api } = await connect();
    const isProtected = async (tag: string) => (await api.Tags.show(project.id, tag)).protected;
    await api.ProtectedTags.create(project.id, 'v*');
    for (const tag of ['v1.0', 'nightly']) await api.Tags.create(project.id, tag, 'main');
    await expect(api.Tags.create(project.id, 'v1.0', 'main')).rejects.toThrow(/already exists/);
    expect(await isProtected('v1.0')).toBe(true);
    expect(await isProtected('nightly')).toBe(false);
    await expect(api.Tags.show(project.id, 'v2.0')).rejects.toThrow(/Tag Not Found/);
    gitlab.createPipeline(project.id, pipelineOf({ a: [] }), { ref: 'v1.0' });
    gitlab.createPipeline(project.id, pipelineOf({ a: [] }), { ref: 'v1.1' });
    expect(await api.Jobs.all(project.id)).toMatchObject([
      { ref: 'v1.1', tag: false },
      { ref: 'v1.0', tag: true },
    ]);
    await expect(api.Branches.show(project.id, 'v1.0')).rejects.toThrow(/Branch Not Found/);
    expect(await api.Branches.show(project.id, 'v1.1')).toMatchObject({ protected: false });
    await api.ProtectedTags.remove(project.id, 'v*');
    expect(await isProtected('v1.0')).toBe(false);
  });

  it('creates, pauses, shows, lists and deletes a runner', async () => {
    const { gitlab, project, api } = await connect();
    const created = await api.Users.createCIRunner('project_type', {
      projectId: project.id,
      tagList: ['aws', 'big'],
      runUntagged: false,
      maximumTimeout: 840,
      description: 'ours',
      maintenanceNote: 'job 1',
    });
    expect(created).toMatchObject({ id: expect.any(Number), token: expect.stringMatching(/^glrt-fake-\w{20}$/) });
    await api.Runners.edit(created.id, { paused: true });
    expect(await api.Runners.show(created.id)).toMatchObject({
      description: 'ours',
      paused: true,
      active: false,
      status: 'never_contacted',
      tag_list: ['aws', 'big'],
      maximum_timeout: 840,
      maintenance_note: 'job 1',
      projects: [{ id: project.id, path_with_namespace: 'group/sub/app' }],
    });
    expect(await api.Runners.all({ projectId: project.id })).toMatchObject([
      { id: created.id, job_execution_status: 'idle' },
    ]);
    await api.Runners.remove({ runnerId: created.id });
    expect(gitlab.runners()).toEqual([]);
    await expect(api.Runners.remove({ runnerId: created.id })).rejects.toThrow('404 Runner Not Found');
  });

  it('deletes a runner with its own token alone', async () => {
    const { gitlab, project, api } = await connect();
    const { token } = await registerRunner(gitlab, project.id);
    await api.Runners.remove({ token });
    expect(gitlab.runners()).toEqual([]);
  });

  it('reads a job with its tags, runner and host', async () => {
    const { gitlab, project, api } = await connect();
    const runner = await registerRunner(gitlab, project.id, { tag_list: ['aws', 'big'], description: 'ours' });
    gitlab.createPipeline(project.id, pipelineOf({ compile: ['big', 'aws'] }));
    const [{ id } = { id: 0 }] = gitlab.jobs();
    expect(await api.Jobs.show('group/sub/app', id)).toMatchObject({
      id,
      name: 'compile',
      status: 'pending',
      tag_list: ['aws', 'big'],
      runner: null,
      runner_manager: null,
      queued_duration: expect.any(Number),
      pipeline: { project_id: project.id, status: 'pending' },
    });
    await requestJob(gitlab, runner);
    const running = await api.Jobs.show(project.id, id);
    expect(running).toMatchObject({
      status: 'running',
      runner: { id: runner.id, description: 'ours', job_execution_status: 'active' },
      runner_manager: { system_id: 'r_abcdefghijkl', version: '19.3.0', platform: 'linux' },
    });
    expect(running).not.toHaveProperty('failure_reason');
  });

  it('lists the pending jobs over several pages', async () => {
    const { gitlab, project, api } = await connect();
    gitlab.createPipeline(
      project.id,
      'many: { script: a, tags: [aws], parallel: 45 }\nlater: { stage: deploy, script: a }',
    );
    const jobs = await api.Jobs.all(project.id, { scope: 'pending', perPage: 20 });
    expect(jobs).toHaveLength(45);
    expect(new Set(jobs.map(({ id }) => id)).size).toBe(45);
    expect(await api.Jobs.all(project.id, { scope: 'pending', perPage: 10, maxPages: 2 })).toHaveLength(20);
  });

  it('cancels and retries a job', async () => {
    const { gitlab, project, api } = await connect();
    gitlab.createPipeline(project.id, pipelineOf({ compile: ['aws'] }));
    const [{ id } = { id: 0 }] = gitlab.jobs();
    expect(await api.Jobs.cancel(project.id, id)).toMatchObject({ id, status: 'canceled' });
    const retried = await api.Jobs.retry(project.id, id);
    expect(retried).toMatchObject({ status: 'pending' });
    expect(retried.id).toBeGreaterThan(id);
    await expect(api.Jobs.retry(project.id, id)).rejects.toThrow('Job is not retryable');
  });

  it('adds, edits, lists and removes a webhook whose secrets are never shown', async () => {
    const { gitlab, project, api } = await connect();
    const signingToken = `whsec_${Buffer.alloc(32).toString('base64')}`;
    const hook = (await api.ProjectHooks.add(project.id, 'https://example.com/hook', {
      jobEvents: true,
      pushEvents: false,
      token: 'not-a-real-secret',
      signingToken,
    } as Parameters<typeof api.ProjectHooks.add>[2])) as { readonly id: number };
    expect(hook).toMatchObject({
      job_events: true,
      push_events: false,
      token_present: true,
      signing_token_present: true,
    });
    expect(JSON.stringify(hook)).not.toContain('not-a-real-secret');
    await api.ProjectHooks.edit(project.id, hook.id, 'https://example.com/other', { token: '' });
    expect(await api.ProjectHooks.all(project.id)).toMatchObject([
      {
        id: hook.id,
        url: 'https://example.com/other',
        job_events: true,
        token_present: false,
        signing_token_present: true,
      },
    ]);
    await api.ProjectHooks.remove(project.id, hook.id);
    expect((await call(gitlab, 'GET', `/projects/${project.id}/hooks`)).body).toEqual([]);
  });
});

describe('creating a runner', () => {
  it.each([
    [{ maximum_timeout: 599 }, { message: '400 Bad request - Maximum timeout needs to be at least 10 minutes' }],
    [
      { tag_list: Array.from({ length: 51 }, (_, index) => `t${index}`) },
      { message: '400 Bad request - Tags list Too many tags specified. Please limit the number of tags to 50' },
    ],
    [
      { run_untagged: false },
      { message: '400 Bad request - Tags list can not be empty when runner is not allowed to pick untagged jobs' },
    ],
    [{ runner_type: undefined }, { error: 'runner_type is missing' }],
    [{ runner_type: 'own_type' }, { error: 'runner_type is invalid' }],
    [{ project_id: undefined }, { error: 'project_id is missing' }],
  ])('with %j is refused', async (fields, body) => {
    const gitlab = await gitlabUnderTest();
    const project = gitlab.createProject('group/app');
    const input = { runner_type: 'project_type', project_id: project.id, ...fields };
    expect(await call(gitlab, 'POST', '/user/runners', input)).toMatchObject({ status: 400, body });
    expect(gitlab.runners()).toEqual([]);
  });

  it('takes a form and a comma-separated list of tags', async () => {
    const gitlab = await gitlabUnderTest();
    const project = gitlab.createProject('group/app');
    const form = new URLSearchParams({
      runner_type: 'project_type',
      project_id: String(project.id),
      tag_list: 'aws, big',
      run_untagged: 'false',
      maximum_timeout: '900',
    });
    expect((await call(gitlab, 'POST', '/user/runners', form)).status).toBe(201);
    expect(gitlab.runners()).toMatchObject([{ tags: ['aws', 'big'], projectId: project.id }]);
  });

  it('gives every runner a token of its own', async () => {
    const gitlab = await gitlabUnderTest();
    const project = gitlab.createProject('group/app');
    const runners = await Promise.all(Array.from({ length: 20 }, () => registerRunner(gitlab, project.id)));
    expect(new Set(runners.map(({ token }) => token)).size).toBe(20);
  });
});

describe('changing a runner', () => {
  it('refuses what GitLab refuses, by attribute', async () => {
    const gitlab = await gitlabUnderTest();
    const runner = await registerRunner(gitlab, gitlab.createProject('group/app').id);
    const answer = await call(gitlab, 'PUT', `/runners/${runner.id}`, { maximum_timeout: 1 });
    expect(answer).toMatchObject({
      status: 400,
      body: { message: { maximum_timeout: ['needs to be at least 10 minutes'] } },
    });
  });
});

describe('the runner side', () => {
  it('verifies a runner and removes one host of it', async () => {
    const gitlab = await gitlabUnderTest();
    const runner = await registerRunner(gitlab, gitlab.createProject('group/app').id);
    const verify = { token: runner.token, system_id: 'r_abcdefghijkl' };
    expect((await call(gitlab, 'POST', '/runners/verify', verify, {})).status).toBe(200);
    expect((await call(gitlab, 'POST', '/runners/verify', { token: 'glrt-fake-no' }, {})).status).toBe(403);
    await askForJob(gitlab, runner.token, { system_id: 'r_secondhost00' });
    const managers = await call(gitlab, 'GET', `/runners/${runner.id}/managers`);
    expect(managers.body).toMatchObject([
      { system_id: 'r_abcdefghijkl', status: 'online' },
      { system_id: 'r_secondhost00' },
    ]);
    expect((await call(gitlab, 'DELETE', '/runners/managers', verify, {})).status).toBe(204);
    expect(gitlab.runners()).toMatchObject([{ id: runner.id, systemIds: ['r_secondhost00'] }]);
    expect((await call(gitlab, 'DELETE', '/runners/managers', verify, {})).status).toBe(404);
  });

  it('tells what runs on a runner, and filters runners by type, status, tags and pause', async () => {
    const gitlab = await gitlabUnderTest();
    const project = gitlab.createProject('group/app');
    const busy = await registerRunner(gitlab, project.id, { tag_list: ['aws'] });
    const idle = await registerRunner(gitlab, project.id, { tag_list: ['gcp'], paused: true });
    const everywhere = await registerRunner(gitlab, project.id, { runner_type: 'instance_type', tag_list: ['aws'] });
    gitlab.createPipeline(project.id, pipelineOf({ one: ['aws'], two: ['aws'] }));
    const first = await requestJob(gitlab, busy);
    if (first === undefined) throw new Error('no job');
    await updateJob(gitlab, first, { state: 'success' });
    const second = await requestJob(gitlab, busy);
    const jobs = (await call(gitlab, 'GET', `/runners/${busy.id}/jobs?status=running`)).body;
    expect(jobs).toMatchObject([{ id: second?.id, project: { id: project.id } }]);
    expect((await call(gitlab, 'GET', `/runners/${busy.id}/jobs`)).headers.get('x-total')).toBe('2');
    expect((await call(gitlab, 'GET', `/runners/${busy.id}/jobs?system_id=r_other0000000`)).body).toEqual([]);
    const ids = async (path: string) =>
      ((await call(gitlab, 'GET', path)).body as { id: number }[]).map(({ id }) => id).toSorted();
    expect(await ids('/runners/all?tag_list=aws')).toEqual([busy.id, everywhere.id]);
    expect(await ids('/runners?paused=true')).toEqual([idle.id]);
    expect(await ids('/runners?status=online')).toEqual([busy.id]);
    expect(await ids('/runners/all?type=instance_type')).toEqual([everywhere.id]);
    expect(await ids(`/projects/group%2Fapp/runners`)).toEqual([busy.id, idle.id, everywhere.id]);
  });
});

describe('pipelines over the API', () => {
  it('take the .gitlab-ci.yml of the project', async () => {
    const gitlab = await gitlabUnderTest();
    const project = gitlab.createProject('group/app');
    const path = `/projects/${project.id}/repository/files/.gitlab-ci.yml`;
    const start = () =>
      call(gitlab, 'POST', '/projects/group%2Fapp/pipeline', { ref: 'topic', variables: [{ key: 'A', value: 'b' }] });
    expect(await start()).toMatchObject({ status: 400, body: { message: { base: ['Missing CI config file'] } } });
    await call(gitlab, 'POST', path, { branch: 'main', commit_message: 'm', content: 'job: { script: a, rules: [] }' });
    expect(await start()).toMatchObject({
      status: 400,
      body: { message: { base: ['job "job": key "rules" is not supported by the local GitLab'] } },
    });
    await call(gitlab, 'PUT', path, { branch: 'main', commit_message: 'm', content: 'job: { script: a, tags: [x] }' });
    const started = await start();
    expect(started).toMatchObject({ status: 201, body: { ref: 'topic', status: 'pending', project_id: project.id } });
    const { id } = started.body as { id: number };
    gitlab.createPipeline(project.id, pipelineOf({ 'of another pipeline': ['x'] }));
    expect(
      (await call(gitlab, 'GET', `/projects/${project.id}/pipelines/${id}/jobs?scope[]=pending`)).body,
    ).toMatchObject([{ name: 'job', ref: 'topic' }]);
    expect((await call(gitlab, 'POST', `/projects/${project.id}/pipelines/${id}/cancel`)).body).toMatchObject({
      status: 'canceled',
    });
  });

  it('do not show a job under another project', async () => {
    const gitlab = await gitlabUnderTest();
    const project = gitlab.createProject('group/app');
    const other = gitlab.createProject('group/other');
    gitlab.createPipeline(project.id, pipelineOf({ compile: [] }));
    const [{ id } = { id: 0 }] = gitlab.jobs();
    expect((await call(gitlab, 'GET', `/projects/${other.id}/jobs/${id}`)).status).toBe(404);
    expect((await call(gitlab, 'GET', '/projects/group%2Fnone/jobs')).body).toEqual({
      message: '404 Project Not Found',
    });
    expect((await call(gitlab, 'GET', `/projects/${project.id}/jobs?scope=odd`)).status).toBe(400);
    expect((await call(gitlab, 'POST', `/projects/${project.id}/jobs/${id}/play`)).status).toBe(400);
  });
});
