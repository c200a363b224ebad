import { describe, expect, it } from 'vitest';
import type { NewRunner } from '../../../infrastructure/gitlab/gitlab.client.ts';
import { accessToken, gitlabAnswering } from './gitlab-stub.ts';

const runner = (changes: Partial<NewRunner> = {}): NewRunner => ({
  projectId: 7,
  description: 'ci ec2 for job 1',
  maintenanceNote: 'gitlab-runners-on-demand deployment=ci job#7#1 attempt=1',
  tags: ['docker', 'linux'],
  maximumTimeoutSeconds: 3_600,
  ...changes,
});
const gone = { status: 404, body: { message: '404 Not Found' } };

describe('a job', () => {
  it('is read with its status, its tags and its runner', async () => {
    const answer = {
      id: 1,
      status: 'running',
      tag_list: ['docker'],
      runner: { id: 5, description: 'x' },
      runner_manager: { id: 6, system_id: 's_000000000001' },
      name: 'build',
      stage: 'test',
      ref: 'main',
      pipeline: { id: 50, project_id: 7 },
      web_url: 'https://gitlab.example.com/group/project/-/jobs/1',
    };
    await using stub = await gitlabAnswering([{ body: answer }]);
    expect(await stub.gitlab.readJob(7, 1)).toEqual({
      id: 1,
      status: 'running',
      tags: ['docker'],
      runnerId: 5,
      systemId: 's_000000000001',
      name: 'build',
      stage: 'test',
      ref: 'main',
      pipelineId: 50,
      projectPath: 'group/project',
    });
    expect(stub.asked).toMatchObject([{ line: 'GET /api/v4/projects/7/jobs/1', token: accessToken }]);
  });

  it('has no tags and no runner when GitLab says nothing of them', async () => {
    await using stub = await gitlabAnswering([{ body: { id: 1, status: 'pending', runner: null } }]);
    expect(await stub.gitlab.readJob(7, 1)).toMatchObject({
      id: 1,
      status: 'pending',
      tags: [],
      runnerId: null,
      systemId: null,
      pipelineId: null,
      projectPath: null,
    });
  });

  it('that does not exist is null', async () => {
    await using stub = await gitlabAnswering([gone]);
    expect(await stub.gitlab.readJob(7, 1)).toBeNull();
  });
});

describe('a ref', () => {
  const isProtected = async (...answers: Parameters<typeof gitlabAnswering>[0]) => {
    await using stub = await gitlabAnswering(answers);
    return { answer: await stub.gitlab.isProtectedRef(7, 'release/1'), asked: stub.asked.map(({ line }) => line) };
  };

  it('is protected when its branch is', async () => {
    const { answer, asked } = await isProtected({ body: { name: 'release/1', protected: true } }, gone);
    expect(answer).toBe(true);
    expect(asked.sort()).toEqual([
      'GET /api/v4/projects/7/repository/branches/release%2F1',
      'GET /api/v4/projects/7/repository/tags/release%2F1',
    ]);
  });

  it('is not when there is none of that name, or one that is not protected beside one that is', async () => {
    expect((await isProtected(gone, gone)).answer).toBe(false);
    expect((await isProtected({ body: { protected: true } }, { body: { protected: false } })).answer).toBe(false);
    expect((await isProtected({ body: { protected: false } }, gone)).answer).toBe(false);
  });
});

describe('the end of a job', () => {
  it('is told with its reason, its time, and what its retry will have in common with it', async () => {
    const answer = {
      id: 1,
      name: 'rspec 3/28',
      status: 'failed',
      failure_reason: 'runner_interrupted',
      finished_at: '2030-01-01T00:02:02.000Z',
      pipeline: { id: 50, project_id: 7 },
    };
    await using stub = await gitlabAnswering([{ body: answer }]);
    expect(await stub.gitlab.readJobEnd(7, 1)).toEqual({
      status: 'failed',
      jobName: 'rspec 3/28',
      pipelineId: 50,
      runnerId: null,
      failureReason: 'runner_interrupted',
      finishedAt: '2030-01-01T00:02:02.000Z',
    });
  });

  it('is open while the job runs, and null when there is no such job', async () => {
    const running = { id: 1, name: 'build', status: 'running', finished_at: null, pipeline: { id: 50 } };
    await using stub = await gitlabAnswering([{ body: running }, gone]);
    expect(await stub.gitlab.readJobEnd(7, 1)).toMatchObject({ failureReason: null, finishedAt: null });
    expect(await stub.gitlab.readJobEnd(7, 1)).toBeNull();
  });

  it('is brought about by a cancellation, which is forced when GitLab would wait for the runner', async () => {
    await using stub = await gitlabAnswering([
      { status: 201, body: { id: 1, status: 'canceled' } },
      { status: 201, body: { id: 2, status: 'canceling' } },
      { status: 201, body: { id: 2, status: 'canceled' } },
    ]);
    expect([await stub.gitlab.cancelJob(7, 1), await stub.gitlab.cancelJob(7, 2)]).toEqual(['canceled', 'canceled']);
    expect(stub.asked.map(({ line, query, body }) => [line, { ...query, ...(body as object | null) }])).toEqual([
      ['POST /api/v4/projects/7/jobs/1/cancel', {}],
      ['POST /api/v4/projects/7/jobs/2/cancel', {}],
      ['POST /api/v4/projects/7/jobs/2/cancel', { force: true }],
    ]);
  });
});

describe('a retry', () => {
  it('is a new job', async () => {
    await using stub = await gitlabAnswering([{ status: 201, body: { id: 2, status: 'pending' } }]);
    expect(await stub.gitlab.retryJob(7, 1)).toBe(2);
    expect(stub.asked).toMatchObject([{ line: 'POST /api/v4/projects/7/jobs/1/retry' }]);
  });

  it('of a job that was retried before is null, and of one that the token may not retry an error', async () => {
    await using stub = await gitlabAnswering([
      { status: 403, body: { message: '403 Forbidden - Job is not retryable' } },
      { status: 403, body: { error: 'insufficient_scope' } },
    ]);
    expect(await stub.gitlab.retryJob(7, 1)).toBeNull();
    await expect(stub.gitlab.retryJob(7, 1)).rejects.toMatchObject({
      name: 'GitLabTokenRefusedError',
      message: expect.stringContaining('check the access token'),
    });
  });
});

describe('a new runner', () => {
  const created = { status: 201, body: { id: 5, token: 'glrt-fake-token', token_expires_at: null } };

  it('belongs to one project and has exactly the job’s tags', async () => {
    await using stub = await gitlabAnswering([created]);
    expect(await stub.gitlab.createRunner(runner())).toEqual({ runnerId: 5, token: 'glrt-fake-token' });
    expect(stub.asked).toMatchObject([
      {
        line: 'POST /api/v4/user/runners',
        body: {
          runner_type: 'project_type',
          project_id: 7,
          description: 'ci ec2 for job 1',
          maintenance_note: 'gitlab-runners-on-demand deployment=ci job#7#1 attempt=1',
          tag_list: ['docker', 'linux'],
          run_untagged: false,
          locked: true,
          maximum_timeout: 3_600,
        },
      },
    ]);
  });

  it('runs untagged jobs only when its own job has no tags', async () => {
    await using stub = await gitlabAnswering([created]);
    await stub.gitlab.createRunner(runner({ tags: [] }));
    await stub.gitlab.createRunner(runner({ tags: ['docker'] }));
    expect(stub.asked.map(({ body }) => body)).toMatchObject([
      { run_untagged: true, tag_list: [] },
      { run_untagged: false, tag_list: ['docker'] },
    ]);
  });

  it('is kept for protected refs when that is asked for', async () => {
    await using stub = await gitlabAnswering([created]);
    await stub.gitlab.createRunner(runner({ accessLevel: 'ref_protected' }));
    expect(stub.asked[0]?.body).toMatchObject({ access_level: 'ref_protected' });
  });

  it('keeps a tag with commas and blanks in one piece', async () => {
    await using stub = await gitlabAnswering([created]);
    await stub.gitlab.createRunner(runner({ tags: ['a, b'] }));
    expect(stub.asked[0]?.body).toMatchObject({ tag_list: ['a, b'] });
  });
});

describe('runners', () => {
  it('are found by the beginning of their description, on every page', async () => {
    const next = '<https://gitlab.example.com/api/v4/runners?type=project_type&per_page=100&page=2>; rel="next"';
    await using stub = await gitlabAnswering([
      {
        body: [
          { id: 1, description: 'ci ec2 for job 1' },
          { id: 2, description: 'ci-west ec2 for job 2' },
        ],
        headers: { link: next },
      },
      {
        body: [
          { id: 3, description: 'ci lambda for job 3' },
          { id: 4, description: null },
        ],
      },
    ]);
    expect(await stub.gitlab.findRunners('ci ')).toEqual([1, 3]);
    expect(stub.asked.map(({ line, query }) => [line, query])).toEqual([
      ['GET /api/v4/runners', { type: 'project_type', per_page: '100' }],
      ['GET /api/v4/runners', { type: 'project_type', per_page: '100', page: '2' }],
    ]);
  });

  it('tell their maintenance note, which lists leave out', async () => {
    await using stub = await gitlabAnswering([
      { body: { id: 5, maintenance_note: 'ours' } },
      { body: { id: 5, maintenance_note: null } },
      gone,
    ]);
    const notes = [];
    for (let n = 0; n < 3; n += 1) notes.push(await stub.gitlab.maintenanceNoteOf(5));
    expect(notes).toEqual(['ours', null, null]);
  });
});

describe('an existing runner', () => {
  it('is removed', async () => {
    await using stub = await gitlabAnswering([{ status: 204 }]);
    expect(await stub.gitlab.removeRunner(5)).toBe(true);
    expect(stub.asked).toMatchObject([{ line: 'DELETE /api/v4/runners/5' }]);
  });

  it('is paused', async () => {
    await using stub = await gitlabAnswering([{ body: { id: 5, paused: true } }]);
    expect(await stub.gitlab.pauseRunner(5)).toBe(true);
    expect(stub.asked).toMatchObject([{ line: 'PUT /api/v4/runners/5', body: { paused: true } }]);
  });

  it('is unpaused', async () => {
    await using stub = await gitlabAnswering([{ body: { id: 5, paused: false } }]);
    expect(await stub.gitlab.unpauseRunner(5)).toBe(true);
    expect(stub.asked).toMatchObject([{ line: 'PUT /api/v4/runners/5', body: { paused: false } }]);
  });

  it('that is gone is no error', async () => {
    await using stub = await gitlabAnswering([gone]);
    expect(await stub.gitlab.removeRunner(5)).toBe(false);
    expect(await stub.gitlab.pauseRunner(5)).toBe(false);
    expect(await stub.gitlab.unpauseRunner(5)).toBe(false);
    expect(await stub.gitlab.jobsOf(5)).toEqual([]);
  });

  it('tells the jobs that it has and had, of whatever project', async () => {
    const jobs = [
      { id: 2, status: 'running', project: { id: 8 } },
      { id: 1, status: 'success', project: { id: 7, name: 'x' } },
    ];
    await using stub = await gitlabAnswering([{ body: jobs }]);
    expect(await stub.gitlab.jobsOf(5)).toEqual([
      { projectId: 8, jobId: 2, status: 'running' },
      { projectId: 7, jobId: 1, status: 'success' },
    ]);
    const query = { order_by: 'id', sort: 'desc', per_page: '20' };
    expect(stub.asked).toMatchObject([{ line: 'GET /api/v4/runners/5/jobs', query }]);
  });

  it('that had no job tells none', async () => {
    await using stub = await gitlabAnswering([{ body: [] }]);
    expect(await stub.gitlab.jobsOf(5)).toEqual([]);
  });
});

describe('what waits and what is ours', () => {
  it('is asked for by pages of ids, with everything that an event needs', async () => {
    const job = { id: 9, status: 'pending', tag_list: ['docker'], name: 'build', stage: 'test', ref: 'main' };
    const answer = { ...job, created_at: '2030-01-01T00:00:00.000Z', pipeline: { id: 50 }, runner: null };
    await using stub = await gitlabAnswering([{ body: [answer] }]);
    expect(await stub.gitlab.pendingJobs(7)).toEqual([
      {
        id: 9,
        status: 'pending',
        tags: ['docker'],
        runnerId: null,
        systemId: null,
        name: 'build',
        stage: 'test',
        ref: 'main',
        pipelineId: 50,
        createdAt: '2030-01-01T00:00:00.000Z',
      },
    ]);
    expect(stub.asked).toMatchObject([
      {
        line: 'GET /api/v4/projects/7/jobs',
        query: { 'scope[]': 'pending', pagination: 'keyset', order_by: 'id', per_page: '100' },
      },
    ]);
  });

  it('is told by a description that begins so, of the runners that this token may manage', async () => {
    const entry = { id: 5, description: 'ci ec2 for job 1', job_execution_status: 'active' };
    const others = [
      { id: 6, description: null },
      { id: 7, description: 'ci-west ec2 for job 1' },
    ];
    await using stub = await gitlabAnswering([{ body: [entry, ...others] }]);
    expect(await stub.gitlab.ownRunners('ci ')).toEqual([
      { runnerId: 5, description: 'ci ec2 for job 1', createdAt: null, busy: true },
    ]);
    expect(stub.asked).toMatchObject([{ line: 'GET /api/v4/runners', query: { type: 'project_type' } }]);
  });

  it('is nothing where GitLab says 404', async () => {
    await using stub = await gitlabAnswering([gone]);
    expect(await stub.gitlab.pendingJobs(7)).toEqual([]);
    expect(await stub.gitlab.readRunnerNote(5)).toBeNull();
    expect(await stub.gitlab.findProject('group/gone')).toBeNull();
    expect(await stub.gitlab.projectsOfGroup('gone', 1)).toEqual({ projects: [], isLast: true });
    expect(await stub.gitlab.begunJobs(7, 1)).toEqual([]);
    expect(stub.asked.map(({ line }) => line)).toContain('GET /api/v4/projects/group%2Fgone');
  });
});
