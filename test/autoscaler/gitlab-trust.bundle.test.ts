import { execFileSync } from 'node:child_process';
import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { AutoscalerStack } from '../../autoscaler/autoscaler.stack.ts';
import { defineDeployment } from '../../infrastructure/deployment/deployment.ts';
import { caCertificatesFile } from '../../infrastructure/gitlab/gitlab-trust.ts';
import { adminToken, call, gitlabUnderTest } from '../helper-scripts/local-gitlab/gitlab-under-test.ts';
import { secretAnswer, startAwsStub } from '../infrastructure/ingest/aws-stub.ts';
import { deployedFunctions } from '../support/deployed-function.ts';
import { createPrivateAuthority, type PrivateAuthority } from '../support/private-authority.ts';

const deployed = (authority?: PrivateAuthority) =>
  deployedFunctions((app) => {
    const gitlab = authority ? { caCertificates: authority.certificate } : {};
    return new AutoscalerStack(app, 'Autoscaler', { deployment: defineDeployment({ gitlab }) });
  });

const runnerTokenSecretArn = 'arn:aws:secretsmanager:eu-west-1:123456789012:secret:ci-runner-AbCdEf';
const authority = createPrivateAuthority();
const trusting = deployed(authority);
const plain = deployed();
let aws: Awaited<ReturnType<typeof startAwsStub>>;

beforeAll(async () => {
  aws = await startAwsStub(() => secretAnswer({ token: adminToken }));
});
afterAll(() => aws[Symbol.asyncDispose]());

const entry = 'autoscaler/stop-runner/unregister-runner.lambda.ts';

/**
 * A GitLab with one runner, behind a certificate of an authority, and what the deployed function says when it is to
 * remove that runner.
 */
async function removeRunner(functions: ReturnType<typeof deployed>, certifiedBy: PrivateAuthority) {
  const gitlab = await gitlabUnderTest();
  const { id } = gitlab.createProject('group/app');
  const { body } = await call(gitlab, 'POST', '/user/runners', { runner_type: 'project_type', project_id: id });
  const runnerId = (body as { id: number }).id;
  await using secure = await certifiedBy.serveByTls(gitlab.url);
  const runner = { job: 'job#7#1', attempt: 1, type: 'EC2', runnerId, instanceId: null, reason: 'its job is over' };
  const answer = await functions.call('Functionsunregisterrunner', entry, runner, {
    GITLAB_URL: secure.url,
    AWS_ENDPOINT_URL: aws.url,
    AWS_REGION: 'eu-west-1',
    AWS_ACCESS_KEY_ID: 'fake-access-key',
    AWS_SECRET_ACCESS_KEY: 'not-a-real-secret',
  });
  const { status } = await call(gitlab, 'GET', `/runners/${runnerId}`);
  return { answer, runnerIsThere: status === 200, host: new URL(secure.url).host };
}

describe('a GitLab behind a private authority', () => {
  it('is served as any other when the deployment names the certificates', async () => {
    expect(await removeRunner(trusting, authority)).toMatchObject({ answer: {}, runnerIsThere: false });
  });

  it('is not trusted otherwise, and the error says which setting mends that', async () => {
    const { answer, runnerIsThere, host } = await removeRunner(plain, authority);
    expect(runnerIsThere).toBe(true);
    expect(answer.error).toContain(`GitLabUnavailableError: DELETE /api/v4/runners/`);
    expect(answer.error).toContain(`${host} has a certificate that is not accepted (unable to verify the first`);
    expect(answer.error).toContain('into gitlab.caCertificates of deployment.config.ts, and deploy');
  });

  it('is not trusted when another authority vouches for it', async () => {
    const { answer, runnerIsThere } = await removeRunner(trusting, createPrivateAuthority());
    expect(runnerIsThere).toBe(true);
    expect(answer.error).toContain('gitlab.caCertificates');
  });

  it('is not taken for trusted when the certificate is of another name, which is another mistake', async () => {
    const elsewhere = createPrivateAuthority('DNS:gitlab.example.com');
    const { answer, runnerIsThere } = await removeRunner(deployed(elsewhere), elsewhere);
    expect(runnerIsThere).toBe(true);
    expect(answer.error).toContain('write gitlab.url of deployment.config.ts with a name that the certificate has');
  });

  it('takes nothing from what Lambdas trust besides: the public authorities', () => {
    const { NODE_EXTRA_CA_CERTS = '' } = trusting.variablesOf('Functionsunregisterrunner');
    const count = `const { getCACertificates: of } = require('node:tls'); console.log(JSON.stringify(['bundled', 'default'].map((kind) => of(kind).length)))`;
    const [bundled = 0, trusted = 0] = JSON.parse(
      execFileSync(process.execPath, ['--eval', count], { env: { NODE_EXTRA_CA_CERTS }, encoding: 'utf8' }),
    ) as number[];
    expect(bundled).toBeGreaterThan(100);
    expect(trusted).toBe(bundled + 1);
  });
});

describe('certificates of a deployment’s own', () => {
  it('reach every function that speaks to GitLab, and no other', () => {
    const gitlab = { caCertificates: authority.certificate };
    const profiles = { shared: { type: 'EC2' as const, runnerTokenSecretArn } };
    const deployment = defineDeployment({ gitlab, profiles });
    const functions = deployedFunctions((app) => new AutoscalerStack(app, 'Autoscaler', { deployment }));
    const ours = functions.ids.filter((id) => id.startsWith('Functions'));
    const speaking = ours.filter((id) => functions.sourceOf(id).includes('createGitLabRequester'));
    const trusting = ours.filter((id) => functions.variablesOf(id).NODE_EXTRA_CA_CERTS?.includes('asset.'));
    expect(speaking.length).toBeGreaterThan(8);
    expect(ours.length).toBeGreaterThan(speaking.length);
    expect(trusting).toEqual(speaking);
  });

  it('need not reach another app but that of the Lambda shell runner', () => {
    const dist = join(import.meta.dirname, '../../dist');
    const bundles = globSync('{infrastructure,ec2-runner-ami,lambda-shell-runner}/*/index.mjs', { cwd: dist });
    const speaking = bundles.filter((file) =>
      /api\/v4|createGitLabRequester/.test(readFileSync(join(dist, file), 'utf8')),
    );
    expect(bundles.length).toBeGreaterThan(2);
    expect(speaking).toEqual(['lambda-shell-runner/run-job/index.mjs']);
  });
});

describe('a deployment without certificates of its own', () => {
  it('has neither layer nor variable for them, and no bundle is another one', () => {
    expect(plain.template.findResources('AWS::Lambda::LayerVersion')).toEqual({});
    expect(JSON.stringify(plain.template.toJSON())).not.toMatch(
      new RegExp(`NODE_EXTRA_CA_CERTS|${caCertificatesFile}`),
    );
    const codeOf = ({ template }: typeof plain) =>
      Object.values(template.findResources('AWS::Lambda::Function')).map(({ Properties }) => Properties.Code);
    expect(codeOf(plain)).toEqual(codeOf(trusting));
  });
});
