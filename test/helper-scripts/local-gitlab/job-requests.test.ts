import { describe, expect, it, vi } from 'vitest';
import {
  askForJob,
  call,
  gitlabUnderTest,
  type OfferedJob,
  patchTrace,
  pipelineOf,
  registerRunner,
  requestJob,
  updateJob,
} from './gitlab-under-test.ts';

async function runningJob(yaml = pipelineOf({ compile: [] })) {
  const gitlab = await gitlabUnderTest();
  const project = gitlab.createProject('group/app');
  const runner = await registerRunner(gitlab, project.id, { description: 'ours' });
  gitlab.createPipeline(project.id, yaml);
  const job = await requestJob(gitlab, runner);
  if (job === undefined) throw new Error('no job');
  return { gitlab, project, runner, job };
}

describe('a request for a job', () => {
  it('is answered with the oldest pending job that fits the tags', async () => {
    const gitlab = await gitlabUnderTest();
    const project = gitlab.createProject('group/app');
    const runner = await registerRunner(gitlab, project.id, { tag_list: 'aws,big', run_untagged: false });
    gitlab.createPipeline(
      project.id,
      pipelineOf({
        untagged: [],
        other: ['gcp'],
        'too many': ['aws', 'big', 'gpu'],
        first: ['aws'],
        second: ['aws', 'big'],
      }),
    );
    const names: unknown[] = [];
    for (let job = await requestJob(gitlab, runner); job !== undefined; job = await requestJob(gitlab, runner)) {
      names.push((job.job_info as { name: string }).name);
    }
    expect(names).toEqual(['first', 'second']);
    expect(gitlab.jobs().filter(({ status }) => status === 'pending')).toHaveLength(3);
  });

  it('is answered with the lowest id, also when that became pending last', async () => {
    const gitlab = await gitlabUnderTest();
    const project = gitlab.createProject('group/app');
    const runner = await registerRunner(gitlab, project.id);
    gitlab.createPipeline(
      project.id,
      `
stages: [one, two]
first: { stage: one, script: a }
asked: { stage: one, script: a, when: manual }
second: { stage: two, script: a }
`,
    );
    const nameOfNext = async () => {
      const job = await requestJob(gitlab, runner);
      return job && { ...job, name: (job.job_info as { name: string }).name };
    };
    const first = await nameOfNext();
    gitlab.createPipeline(project.id, pipelineOf({ newer: [] }));
    if (first) await updateJob(gitlab, first, { state: 'success' });
    const asked = gitlab.jobs().find(({ name }) => name === 'asked');
    await call(gitlab, 'POST', `/projects/${project.id}/jobs/${asked?.id}/play`);
    expect([(await nameOfNext())?.name, (await nameOfNext())?.name, (await nameOfNext())?.name]).toEqual([
      'asked',
      'second',
      'newer',
    ]);
  });

  it('is answered with a delayed job when its time has come', async () => {
    const gitlab = await gitlabUnderTest({ longPollSeconds: 600 });
    const project = gitlab.createProject('group/app');
    const runner = await registerRunner(gitlab, project.id);
    const lastUpdate = (await askForJob(gitlab, runner.token)).headers.get('x-gitlab-last-update');
    gitlab.createPipeline(project.id, 'later: { script: a, when: delayed, start_in: 1 second }');
    expect(await requestJob(gitlab, runner)).toBeUndefined();
    expect(await requestJob(gitlab, runner, { last_update: lastUpdate })).toBeUndefined();
    expect(await requestJob(gitlab, runner, { last_update: lastUpdate })).toBeDefined();
  });

  it('of a runner for protected refs is answered with jobs of such only', async () => {
    const gitlab = await gitlabUnderTest();
    const project = gitlab.createProject('group/app');
    const runner = await registerRunner(gitlab, project.id, { access_level: 'ref_protected' });
    const refs = ['topic', 'main'];
    for (const ref of refs) gitlab.createPipeline(project.id, pipelineOf({ [`on ${ref}`]: [] }), { ref });
    expect(await requestJob(gitlab, runner)).toMatchObject({ job_info: { name: 'on main' } });
    expect(await requestJob(gitlab, runner)).toBeUndefined();
  });

  it('of a runner for protected refs is answered with the job of a protected tag, which says that it is of a tag', async () => {
    const gitlab = await gitlabUnderTest();
    const project = gitlab.createProject('group/app');
    const runner = await registerRunner(gitlab, project.id, { access_level: 'ref_protected' });
    const post = (path: string, body: object) =>
      fetch(`${gitlab.url}/api/v4/projects/${project.id}/${path}`, {
        method: 'POST',
        headers: { 'private-token': gitlab.adminToken, 'content-type': 'application/json' },
        body: JSON.stringify(body),
      });
    await post('protected_tags', { name: 'v*' });
    for (const tag of ['nightly', 'v1.0']) {
      await post('repository/tags', { tag_name: tag, ref: 'main' });
      gitlab.createPipeline(project.id, pipelineOf({ [`on ${tag}`]: [] }), { ref: tag });
    }
    const job = await requestJob(gitlab, runner);
    expect(job).toMatchObject({
      job_info: { name: 'on v1.0' },
      git_info: { ref: 'v1.0', ref_type: 'tag', refspecs: ['+refs/tags/v1.0:refs/tags/v1.0'], protected: true },
    });
    expect(job?.variables).toContainEqual(expect.objectContaining({ key: 'CI_COMMIT_TAG', value: 'v1.0' }));
    expect(job?.variables).not.toContainEqual(expect.objectContaining({ key: 'CI_COMMIT_BRANCH' }));
    expect(await requestJob(gitlab, runner)).toBeUndefined();
  });

  it('is answered with the truth about protection', async () => {
    const gitlab = await gitlabUnderTest();
    const project = gitlab.createProject('group/app');
    const runner = await registerRunner(gitlab, project.id);
    for (const [ref, isProtected] of [['topic', false] as const, ['main', true] as const]) {
      gitlab.createPipeline(project.id, pipelineOf({ [`on ${ref}`]: [] }), { ref });
      const job = await requestJob(gitlab, runner);
      expect(job).toMatchObject({ git_info: { ref, protected: isProtected } });
      const variable = expect.objectContaining({ key: 'CI_COMMIT_REF_PROTECTED', value: String(isProtected) });
      expect(job?.variables).toContainEqual(variable);
    }
  });

  it('of an instance runner is answered with a job of the project of which such runners have the fewest', async () => {
    const gitlab = await gitlabUnderTest();
    const [busy, quiet] = [gitlab.createProject('group/busy'), gitlab.createProject('group/quiet')];
    const runner = await registerRunner(gitlab, busy.id, { runner_type: 'instance_type' });
    gitlab.createPipeline(busy.id, pipelineOf({ one: [], two: [] }));
    gitlab.createPipeline(quiet.id, pipelineOf({ three: [] }));
    const jobs = [await requestJob(gitlab, runner), await requestJob(gitlab, runner), await requestJob(gitlab, runner)];
    expect(jobs.map((job) => (job?.job_info as { name: string } | undefined)?.name)).toEqual(['one', 'three', 'two']);
  });

  it('takes jobs without tags only when the runner may', async () => {
    const gitlab = await gitlabUnderTest();
    const project = gitlab.createProject('group/app');
    gitlab.createPipeline(project.id, pipelineOf({ untagged: [] }));
    const picky = await registerRunner(gitlab, project.id, { tag_list: ['aws'], run_untagged: false });
    const open = await registerRunner(gitlab, project.id, { tag_list: ['aws'] });
    expect(await requestJob(gitlab, picky)).toBeUndefined();
    expect(await requestJob(gitlab, open)).toBeDefined();
  });

  it('takes jobs of its own project, group or, for an instance runner, of any', async () => {
    const gitlab = await gitlabUnderTest();
    const inner = gitlab.createProject('group/sub/app');
    const outer = gitlab.createProject('elsewhere/app');
    const other = await registerRunner(gitlab, outer.id);
    const groupId = inner.groupIds[0];
    const ofGroup = await registerRunner(gitlab, inner.id, { runner_type: 'group_type', group_id: groupId });
    const ofInstance = await registerRunner(gitlab, inner.id, { runner_type: 'instance_type' });
    gitlab.createPipeline(inner.id, pipelineOf({ one: [], two: [] }));
    expect(await requestJob(gitlab, other)).toBeUndefined();
    expect(await requestJob(gitlab, ofGroup)).toBeDefined();
    expect(await requestJob(gitlab, ofInstance)).toBeDefined();
  });

  it('is forbidden with a token that is unknown, deleted or expired', async () => {
    let now = new Date();
    const gitlab = await gitlabUnderTest({ now: () => now });
    const project = gitlab.createProject('group/app');
    const deleted = await registerRunner(gitlab, project.id);
    await call(gitlab, 'DELETE', '/runners', { token: deleted.token }, {});
    const expiring = await registerRunner(gitlab, project.id, {
      token_expires_at: new Date(now.getTime() + 600_000).toISOString(),
    });
    expect((await askForJob(gitlab, expiring.token)).status).toBe(204);
    now = new Date(now.getTime() + 601_000);
    for (const token of ['glrt-fake-unknown', deleted.token, expiring.token]) {
      expect(await askForJob(gitlab, token)).toMatchObject({ status: 403, body: { message: '403 Forbidden' } });
    }
  });

  it('gets nothing while the runner is paused', async () => {
    const gitlab = await gitlabUnderTest();
    const project = gitlab.createProject('group/app');
    const runner = await registerRunner(gitlab, project.id, { paused: true });
    gitlab.createPipeline(project.id, pipelineOf({ compile: [] }));
    const paused = await askForJob(gitlab, runner.token);
    expect(paused.status).toBe(204);
    await call(gitlab, 'PUT', `/runners/${runner.id}`, { paused: false });
    const last_update = paused.headers.get('x-gitlab-last-update');
    expect((await askForJob(gitlab, runner.token, { last_update })).status).toBe(201);
  });

  it('that repeats what it was last told gets nothing until the queue changes', async () => {
    const gitlab = await gitlabUnderTest();
    const project = gitlab.createProject('group/app');
    const runner = await registerRunner(gitlab, project.id, { tag_list: ['aws'] });
    const first = await askForJob(gitlab, runner.token);
    const lastUpdate = first.headers.get('x-gitlab-last-update');
    gitlab.createPipeline(project.id, pipelineOf({ other: ['gcp'] }));
    expect(
      (await askForJob(gitlab, runner.token, { last_update: lastUpdate })).headers.get('x-gitlab-last-update'),
    ).toBe(lastUpdate);
    gitlab.createPipeline(project.id, pipelineOf({ one: ['aws'], two: ['aws'] }));
    expect((await askForJob(gitlab, runner.token, { last_update: lastUpdate })).status).toBe(201);
    expect((await askForJob(gitlab, runner.token, { last_update: lastUpdate })).status).toBe(201);
    const empty = await askForJob(gitlab, runner.token, { last_update: lastUpdate });
    expect(empty.status).toBe(204);
    expect(empty.headers.get('x-gitlab-last-update')).not.toBe(lastUpdate);
  });

  it('of a paused runner is held in a long poll, which ends as soon as the runner is unpaused', async () => {
    const gitlab = await gitlabUnderTest({ longPollSeconds: 600 });
    const project = gitlab.createProject('group/app');
    const runner = await registerRunner(gitlab, project.id, { paused: true });
    gitlab.createPipeline(project.id, pipelineOf({ compile: [] }));
    const lastUpdate = (await askForJob(gitlab, runner.token)).headers.get('x-gitlab-last-update');
    const order: string[] = [];
    const held = askForJob(gitlab, runner.token, { last_update: lastUpdate }).then(({ status }) => {
      order.push(`answer ${status}`);
    });
    // Long enough for an answer that was not held.
    await new Promise((resolve) => setTimeout(resolve, 300));
    order.push('unpaused');
    await call(gitlab, 'PUT', `/runners/${runner.id}`, { paused: false });
    await held;
    expect(order).toEqual(['unpaused', 'answer 204']);
    expect((await askForJob(gitlab, runner.token, { last_update: lastUpdate })).status).toBe(201);
  });

  it('is held in a long poll until a job comes, and the next request gets that job', async () => {
    const gitlab = await gitlabUnderTest({ longPollSeconds: 600 });
    const project = gitlab.createProject('group/app');
    const runner = await registerRunner(gitlab, project.id);
    const lastUpdate = (await askForJob(gitlab, runner.token)).headers.get('x-gitlab-last-update');
    const order: string[] = [];
    const held = askForJob(gitlab, runner.token, { last_update: lastUpdate }).then((answer) => {
      order.push('answered');
      return answer;
    });
    await call(gitlab, 'GET', '/version');
    order.push('job comes');
    gitlab.createPipeline(project.id, pipelineOf({ compile: [] }));
    await vi.waitFor(() => expect(order).toEqual(['job comes', 'answered']), { timeout: 20_000 });
    expect((await held).status).toBe(204);
    expect((await askForJob(gitlab, runner.token, { last_update: lastUpdate })).status).toBe(201);
  });

  it('is released from a long poll when its time is over', async () => {
    const gitlab = await gitlabUnderTest({ longPollSeconds: 0.2 });
    const runner = await registerRunner(gitlab, gitlab.createProject('group/app').id);
    const lastUpdate = (await askForJob(gitlab, runner.token)).headers.get('x-gitlab-last-update');
    expect((await askForJob(gitlab, runner.token, { last_update: lastUpdate })).status).toBe(204);
  });
});

describe('the job that is handed out', () => {
  it('has what gitlab-runner needs, and says who runs it from then on', async () => {
    const { gitlab, project, job } = await runningJob(`
compile:
  before_script: [one]
  script: [two]
  after_script: [three]
  variables: { COLOUR: red }
  timeout: 20 minutes
  image: alpine:3
`);
    expect(job).toMatchObject({
      job_info: {
        name: 'compile',
        stage: 'test',
        pipeline_id: gitlab.pipelines()[0]?.id,
        project_id: project.id,
        project_full_path: 'group/app',
        root_namespace_id: project.groupIds[0],
      },
      runner_info: { timeout: 1200 },
      image: { name: 'alpine:3' },
      steps: [
        { name: 'script', script: ['one', 'two'], when: 'on_success', timeout: 1200 },
        { name: 'after_script', script: ['three'], when: 'always', allow_failure: true },
      ],
    });
    expect(job).not.toHaveProperty('run');
    expect(job.variables).toEqual(
      expect.arrayContaining([
        { key: 'CI_JOB_ID', value: String(job.id), public: true, masked: false },
        { key: 'CI_JOB_TOKEN', value: job.token, public: false, masked: true },
        { key: 'COLOUR', value: 'red', public: true, masked: false },
        { key: 'GIT_STRATEGY', value: 'none', public: true, masked: false },
      ]),
    );
    expect(gitlab.job(job.id)).toMatchObject({
      runnerDescription: 'ours',
      systemId: 'r_abcdefghijkl',
      status: 'running',
    });
  });

  it('ends no later than its runner allows', async () => {
    const gitlab = await gitlabUnderTest();
    const project = gitlab.createProject('group/app');
    const runner = await registerRunner(gitlab, project.id, { maximum_timeout: 840 });
    gitlab.createPipeline(project.id, pipelineOf({ compile: [] }));
    expect(await requestJob(gitlab, runner)).toMatchObject({ runner_info: { timeout: 840 } });
  });
});

describe('the log of a job', () => {
  it('grows piece by piece, and a piece that does not fit is refused with what there is', async () => {
    const { gitlab, project, job } = await runningJob();
    const first = await patchTrace(gitlab, job, 0, 'hello ');
    expect([first.status, first.headers.get('range'), first.headers.get('job-status')]).toEqual([
      202,
      '0-6',
      'running',
    ]);
    expect(first.headers.get('x-gitlab-trace-update-interval')).toBe('3');
    const gap = await patchTrace(gitlab, job, 9, 'lost');
    expect([gap.status, gap.headers.get('range')]).toEqual([416, '0-6']);
    await patchTrace(gitlab, job, 6, 'world');
    expect(gitlab.jobTrace(job.id)).toBe('hello world');
    expect((await call(gitlab, 'GET', `/projects/${project.id}/jobs/${job.id}/trace`)).body).toBe('hello world');
  });

  it('is taken only with the token of the job and only while it runs', async () => {
    const { gitlab, job } = await runningJob();
    const stranger: OfferedJob = { ...job, token: 'glcbt-fake-other' };
    expect((await patchTrace(gitlab, stranger, 0, 'x')).status).toBe(403);
    await updateJob(gitlab, job, { state: 'success' });
    const late = await patchTrace(gitlab, job, 0, 'x');
    expect([late.status, late.headers.get('job-status')]).toEqual([403, 'success']);
  });
});

describe('an update of a job', () => {
  it('keeps it running, ends it, and is refused afterwards', async () => {
    const { gitlab, job } = await runningJob();
    const alive = await updateJob(gitlab, job, { state: 'running' });
    expect([alive.status, alive.headers.get('job-status')]).toEqual([200, 'running']);
    const end = await updateJob(gitlab, job, { state: 'failed', failure_reason: 'runner_interrupted', exit_code: 1 });
    expect([end.status, end.headers.get('job-status')]).toEqual([200, 'failed']);
    expect(gitlab.job(job.id)).toMatchObject({ status: 'failed', failureReason: 'runner_interrupted', exitCode: 1 });
    expect((await updateJob(gitlab, job, { state: 'success' })).status).toBe(403);
  });

  it('shows whether the log arrived as it was sent', async () => {
    for (const [checksum, logIsWhole] of [
      ['crc32:3610a686', true],
      ['crc32:00000000', false],
    ] as const) {
      const { gitlab, job } = await runningJob();
      await patchTrace(gitlab, job, 0, 'hello');
      expect((await updateJob(gitlab, job, { state: 'success', output: { checksum } })).status).toBe(200);
      expect(gitlab.job(job.id)).toMatchObject({ status: 'success', logIsWhole });
    }
  });

  it('tells a runner that the job is to be cancelled, and that it is', async () => {
    const { gitlab, job } = await runningJob();
    gitlab.cancelJob(job.id);
    expect((await updateJob(gitlab, job, { state: 'running' })).headers.get('job-status')).toBe('canceling');
    gitlab.cancelJob(job.id, true);
    const gone = await updateJob(gitlab, job, { state: 'running' });
    expect([gone.status, gone.headers.get('job-status')]).toEqual([403, 'canceled']);
  });
});
