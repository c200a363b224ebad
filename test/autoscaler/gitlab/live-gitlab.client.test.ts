import { Hono } from 'hono';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { createGitLabFromEnvironment } from '../../../autoscaler/gitlab/live-gitlab.client.ts';
import { gitlabTokenPlaceholder } from '../../../infrastructure/exports.ts';
import { serveLoopback } from '../../support/loopback.ts';

const secretArn = 'arn:aws:secretsmanager:eu-west-1:123456789012:secret:gitlab-token';

afterEach(() => vi.unstubAllEnvs());

/**
 * GitLab and Secrets Manager on the loopback interface, in the environment of a Lambda. The secret is this text
 * until somebody stores another one; GitLab takes every token but those that were revoked.
 */
async function lambdaEnvironment(secretText: string) {
  const tokens: (string | undefined)[] = [];
  const stored = { text: secretText };
  const revoked = new Set<string | undefined>();
  const app = new Hono()
    .post('/', (context) => context.json({ SecretString: stored.text }))
    .get('/api/v4/projects/7/jobs/1', (context) => {
      const token = context.req.header('private-token');
      tokens.push(token);
      if (revoked.has(token)) return context.json({ error: 'invalid_token', error_description: 'Revoked' }, 401);
      return context.json({ id: 1, status: 'pending', tag_list: [] });
    });
  const loopback = await serveLoopback(app);
  const environment = {
    GITLAB_URL: loopback.url,
    GITLAB_TOKEN_SECRET_ARN: secretArn,
    AWS_ENDPOINT_URL: loopback.url,
    AWS_REGION: 'eu-west-1',
    AWS_ACCESS_KEY_ID: 'fake',
    AWS_SECRET_ACCESS_KEY: 'not-a-real-secret',
  };
  for (const [name, value] of Object.entries(environment)) vi.stubEnv(name, value);
  return { ...loopback, [Symbol.asyncDispose]: loopback[Symbol.asyncDispose], tokens, stored, revoked };
}

describe('GitLab as a Lambda’s environment names it', () => {
  it('is asked with the token of the secret', async () => {
    await using lambda = await lambdaEnvironment(JSON.stringify({ token: 'glpat-fake-token', note: 'x' }));
    const gitlab = createGitLabFromEnvironment();
    expect(gitlab.url).toBe(lambda.url);
    expect(await gitlab.readJob(7, 1)).toMatchObject({ status: 'pending' });
    expect(lambda.tokens).toEqual(['glpat-fake-token']);
  });

  it.each([
    JSON.stringify({ token: gitlabTokenPlaceholder }),
    'glpat-fake-token',
    '{"token":""}',
    '{"Token":"glpat-fake-token"}',
    '["glpat-fake-token"]',
    'null',
  ])(
    'is not asked with a secret that is %s; the error names the secret, and says nothing of its content',
    async (text) => {
      await using lambda = await lambdaEnvironment(text);
      const refused = createGitLabFromEnvironment()
        .readJob(7, 1)
        .catch((error: unknown) => error);
      expect(await refused).toMatchObject({
        name: 'SecretUnavailableError',
        message: expect.stringContaining(`The secret ${secretArn} has no GitLab access token`),
      });
      expect(String(((await refused) as Error).stack)).not.toContain('glpat-fake-token');
      expect(lambda.tokens).toEqual([]);
    },
  );

  it('loses nothing when the token is rotated and the old one dies at once', async () => {
    await using lambda = await lambdaEnvironment(JSON.stringify({ token: 'glpat-fake-old' }));
    const gitlab = createGitLabFromEnvironment(15 * 60);
    await gitlab.readJob(7, 1);
    lambda.stored.text = JSON.stringify({ token: 'glpat-fake-new' });
    lambda.revoked.add('glpat-fake-old');
    const answers = await Promise.all(Array.from({ length: 5 }, () => gitlab.readJob(7, 1)));
    expect(answers.map((job) => job?.status)).toEqual(Array(5).fill('pending'));
    lambda.tokens.length = 0;
    await gitlab.readJob(7, 1);
    expect(lambda.tokens).toEqual(['glpat-fake-new']);
  });

  it('is asked as soon as the first token is stored', async () => {
    await using lambda = await lambdaEnvironment(JSON.stringify({ token: gitlabTokenPlaceholder }));
    const gitlab = createGitLabFromEnvironment(15 * 60);
    await expect(gitlab.readJob(7, 1)).rejects.toMatchObject({ name: 'SecretUnavailableError' });
    lambda.stored.text = JSON.stringify({ token: 'glpat-fake-token' });
    expect(await gitlab.readJob(7, 1)).toMatchObject({ status: 'pending' });
  });

  it('is not made from an environment that names none', () => {
    expect(() => createGitLabFromEnvironment()).toThrow(/GITLAB_URL.*GITLAB_TOKEN_SECRET_ARN/);
  });
});
