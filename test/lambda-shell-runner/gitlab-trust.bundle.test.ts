import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Hono } from 'hono';
import { parse } from 'smol-toml';
import { describe, expect, it } from 'vitest';
import { defineDeployment } from '../../infrastructure/deployment/deployment.ts';
import { LambdaShellRunnerStack } from '../../lambda-shell-runner/lambda-shell-runner.stack.ts';
import { startAwsStub } from '../infrastructure/ingest/aws-stub.ts';
import { deployedFunctions } from '../support/deployed-function.ts';
import { serveLoopback } from '../support/loopback.ts';
import { createPrivateAuthority } from '../support/private-authority.ts';
import { fakeToken, jobPayload } from './executions.ts';
import { type FakeRunnerNotes, installFakeRunner } from './fake-gitlab-runner.ts';

const authority = createPrivateAuthority();

/** An execution whose gitlab-runner ends at once, so that the function removes the runner from GitLab. */
async function runWithoutJob(caCertificates?: string) {
  const gitlabSettings = { cloneUrl: 'https://git.example.com', ...(caCertificates ? { caCertificates } : {}) };
  const functions = deployedFunctions((app) => {
    const deployment = defineDeployment({
      gitlab: gitlabSettings,
      profiles: { shell: { type: 'LAMBDA', packaging: 'zip' } },
    });
    return new LambdaShellRunnerStack(app, 'LambdaShellRunner', { deployment });
  });
  const removed: string[] = [];
  const app = new Hono().delete('/api/v4/runners', async (context) => {
    removed.push(((await context.req.json()) as { token: string }).token);
    return context.body(null, 204);
  });
  const folder = mkdtempSync(join(tmpdir(), 'gitlab-trust-'));
  try {
    await using gitlab = await serveLoopback(app);
    await using secure = await authority.serveByTls(gitlab.url);
    const expiresAt = { N: String(Math.ceil(Date.now() / 1_000) + 600) };
    const ticket = { id: { S: 'ticket-1' }, token: { S: fakeToken }, job: { S: 'job#123#10' }, expiresAt };
    await using aws = await startAwsStub(() => ({ body: { Attributes: ticket } }));
    const notes = join(folder, 'notes.json');
    await functions.call(
      'Runnershell',
      'lambda-shell-runner/run-job.lambda.ts',
      jobPayload({ gitlabUrl: secure.url }),
      {
        PATH: process.env.PATH ?? '',
        GITLAB_RUNNER_PATH: installFakeRunner(join(folder, 'bin'), { answers: [{ kind: 'crash' }], notes }),
        AWS_ENDPOINT_URL: aws.url,
        AWS_REGION: 'eu-west-1',
        AWS_ACCESS_KEY_ID: 'fake-access-key',
        AWS_SECRET_ACCESS_KEY: 'not-a-real-secret',
      },
    );
    const { config } = JSON.parse(readFileSync(notes, 'utf8')) as FakeRunnerNotes;
    const [runner] = (parse(config) as unknown as { runners: Record<string, unknown>[] }).runners;
    return { removed, runner };
  } finally {
    rmSync(folder, { recursive: true });
  }
}

describe('the Lambda shell runner of a GitLab behind a private authority', () => {
  it('trusts it, and so do gitlab-runner and the git of its jobs', async () => {
    const { removed, runner } = await runWithoutJob(authority.certificate);
    expect(removed).toEqual([fakeToken]);
    // gitlab-runner gives this file to its jobs (CI_SERVER_TLS_CA_FILE), and to git for the address that is cloned
    // from.
    expect(runner).toMatchObject({ 'tls-ca-file': '/opt/gitlab-ca.pem', clone_url: 'https://git.example.com' });
  });

  it('does not trust it when the deployment does not name the certificates', async () => {
    const { removed, runner } = await runWithoutJob();
    expect(removed).toEqual([]);
    expect(runner).not.toHaveProperty('tls-ca-file');
    expect(runner).toHaveProperty('clone_url');
  });
});
