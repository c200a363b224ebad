import { describe, expect, it } from 'vitest';
import type { TokenScope } from '../../../helper-scripts/local-gitlab/access-token.ts';
import { createGitLab } from '../../../infrastructure/gitlab/gitlab.client.ts';
import { call, gitlabUnderTest, pipelineOf } from './gitlab-under-test.ts';

const token = 'not-a-real-secret-of-the-autoscaler';

/** A GitLab with a project and a job in it, and a token that has these scopes. */
async function world(...scopes: TokenScope[]) {
  const gitlab = await gitlabUnderTest({ accessTokens: [{ token, scopes }] });
  const { id: projectId } = gitlab.createProject('group/app');
  gitlab.createPipeline(projectId, pipelineOf({ compile: ['aws'] }));
  const jobId = gitlab.jobs()[0]?.id ?? 0;
  const client = createGitLab({ url: gitlab.url, token: async () => token });
  return { gitlab, projectId, jobId, client };
}

describe('the scopes that the README asks for', () => {
  it('suffice for all but ending a job and retrying it', async () => {
    const { gitlab, projectId, jobId, client } = await world('create_runner', 'manage_runner', 'read_api');
    const description = 'ours';
    const fields = { projectId, description, maintenanceNote: 'note', tags: ['aws'], maximumTimeoutSeconds: 600 };
    const { runnerId } = await client.createRunner(fields);
    expect(await client.readJob(projectId, jobId)).toMatchObject({ status: 'pending', tags: ['aws'] });
    expect(await client.pendingJobs(projectId)).toMatchObject([{ id: jobId }]);
    expect(await client.findProject('group/app')).toMatchObject({ projectId });
    expect(await client.ownRunners(description)).toMatchObject([{ runnerId }]);
    expect(await client.readRunnerNote(runnerId)).toBe('note');
    expect(await client.jobsOf(runnerId)).toEqual([]);
    expect(await client.pauseRunner(runnerId)).toBe(true);
    expect(await client.removeRunner(runnerId)).toBe(true);
    await expect(client.cancelJob(projectId, jobId)).rejects.toThrow('insufficient_scope');
    await expect(client.retryJob(projectId, jobId)).rejects.toThrow('insufficient_scope');
    expect(gitlab.job(jobId).status).toBe('pending');
  });

  it('are refused where they do not reach, and a stranger’s token everywhere', async () => {
    const { gitlab, projectId } = await world('create_runner');
    const status = async (method: string, path: string, value = token) =>
      (await call(gitlab, method, path, undefined, { 'PRIVATE-TOKEN': value })).status;
    expect(await status('GET', `/projects/${projectId}/jobs`)).toBe(403);
    expect(await status('GET', '/runners')).toBe(403);
    expect(await status('DELETE', '/runners/1')).toBe(403);
    expect(await status('GET', '/personal_access_tokens/self')).toBe(200);
    expect(await status('GET', '/runners', 'not-a-real-token')).toBe(401);
  });

  it('that manage runners reach no runner by way of its project', async () => {
    const { gitlab, projectId } = await world('manage_runner');
    const headers = { Authorization: `Bearer ${token}` };
    expect((await call(gitlab, 'GET', '/runners', undefined, headers)).status).toBe(200);
    expect(await call(gitlab, 'GET', `/projects/${projectId}/runners`, undefined, headers)).toMatchObject({
      status: 403,
      body: { error: 'insufficient_scope', scope: 'api read_api' },
    });
  });
});
