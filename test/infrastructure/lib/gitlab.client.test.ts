import { describe, expect, it } from 'vitest';
import type { NewRunner } from '../../../infrastructure/lib/gitlab.client.ts';
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
    };
    await using stub = await gitlabAnswering([{ body: answer }]);
    expect(await stub.gitlab.readJob(7, 1)).toEqual({
      id: 1,
      status: 'running',
      tags: ['docker'],
      runnerId: 5,
      systemId: 's_000000000001',
    });
    expect(stub.asked).toMatchObject([{ line: 'GET /api/v4/projects/7/jobs/1', token: accessToken }]);
  });

  it('has no tags and no runner when GitLab says nothing of them', async () => {
    await using stub = await gitlabAnswering([{ body: { id: 1, status: 'pending', runner: null } }]);
    expect(await stub.gitlab.readJob(7, 1)).toEqual({
      id: 1,
      status: 'pending',
      tags: [],
      runnerId: null,
      systemId: null,
    });
  });

  it('that does not exist is null', async () => {
    await using stub = await gitlabAnswering([gone]);
    expect(await stub.gitlab.readJob(7, 1)).toBeNull();
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

  it('keeps a tag with commas and blanks in one piece', async () => {
    await using stub = await gitlabAnswering([created]);
    await stub.gitlab.createRunner(runner({ tags: ['a, b'] }));
    expect(stub.asked[0]?.body).toMatchObject({ tag_list: ['a, b'] });
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

  it('that is gone is no error', async () => {
    await using stub = await gitlabAnswering([gone]);
    expect(await stub.gitlab.removeRunner(5)).toBe(false);
    expect(await stub.gitlab.pauseRunner(5)).toBe(false);
    expect(await stub.gitlab.runningJobsOf(5)).toEqual([]);
  });

  it('tells the jobs that it runs, of whatever project', async () => {
    const jobs = [
      { id: 1, status: 'running', project: { id: 7, name: 'x' } },
      { id: 2, status: 'running', project: { id: 8 } },
    ];
    await using stub = await gitlabAnswering([{ body: jobs }]);
    expect(await stub.gitlab.runningJobsOf(5)).toEqual([
      { projectId: 7, jobId: 1 },
      { projectId: 8, jobId: 2 },
    ]);
    expect(stub.asked).toMatchObject([{ line: 'GET /api/v4/runners/5/jobs', query: { status: 'running' } }]);
  });

  it('that runs nothing tells none', async () => {
    await using stub = await gitlabAnswering([{ body: [] }]);
    expect(await stub.gitlab.runningJobsOf(5)).toEqual([]);
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
    expect(await stub.gitlab.projectsOfGroup('gone')).toEqual([]);
    expect(stub.asked.map(({ line }) => line)).toContain('GET /api/v4/projects/group%2Fgone');
  });
});
