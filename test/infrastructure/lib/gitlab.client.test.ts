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
