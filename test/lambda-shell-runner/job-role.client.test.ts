import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { createAwsPost } from '../../infrastructure/kit/aws/signed-aws.client.ts';
import { createJobRole } from '../../lambda-shell-runner/job-role.client.ts';
import { jobPayload } from './executions.ts';

type Answer = { readonly status: number; readonly body: string };

const servers: Server[] = [];
const roleArn = 'arn:aws:iam::123456789012:role/deployer';

afterEach(() => {
  for (const server of servers.splice(0)) server.close();
});

const assumed: Answer = {
  status: 200,
  body: `<AssumeRoleResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><AssumeRoleResult><Credentials>
    <AccessKeyId>fake-job-key</AccessKeyId><SecretAccessKey>not-a-real/job+secret</SecretAccessKey>
    <SessionToken>not-a-real-job-session==</SessionToken><Expiration>2026-01-01T00:15:00Z</Expiration>
    </Credentials></AssumeRoleResult></AssumeRoleResponse>`,
};
const refusal = (status: number, code: string): Answer => ({
  status,
  body: `<ErrorResponse><Error><Type>Sender</Type><Code>${code}</Code><Message>no</Message></Error></ErrorResponse>`,
});

/** An STS that gives these answers in turn. */
async function stsWith(...answers: Answer[]) {
  const calls: { readonly parameters: Readonly<Record<string, string>>; readonly authorization: string }[] = [];
  const server = createServer(async (request, response) => {
    const body = Buffer.concat(await request.toArray()).toString('utf8');
    const parameters = Object.fromEntries(new URLSearchParams(body));
    calls.push({ parameters, authorization: request.headers.authorization ?? '' });
    const { status, body: text } = answers.shift() ?? refusal(500, 'InternalFailure');
    response.writeHead(status, { connection: 'close' }).end(text);
  });
  servers.push(server);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const post = createAwsPost({
    region: 'eu-west-1',
    accessKeyId: 'fake-access-key',
    secretAccessKey: 'not-a-real-secret',
    endpointUrl: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
  });
  return { assume: createJobRole(post, roleArn, 'eu-west-1'), calls, post };
}

describe('the role of a job', () => {
  it('is assumed in the name of the project and the job, and tagged with them, for no longer than a function lasts', async () => {
    const { assume, calls } = await stsWith(assumed);
    expect(await assume(jobPayload())).toEqual({
      accessKeyId: 'fake-job-key',
      secretAccessKey: 'not-a-real/job+secret',
      sessionToken: 'not-a-real-job-session==',
      region: 'eu-west-1',
    });
    expect(calls).toHaveLength(1);
    expect(calls[0]?.parameters).toEqual({
      Action: 'AssumeRole',
      Version: '2011-06-15',
      RoleArn: roleArn,
      RoleSessionName: 'gitlab-123-10',
      DurationSeconds: '900',
      'Tags.member.1.Key': 'gitlab-project-id',
      'Tags.member.1.Value': '123',
      'Tags.member.2.Key': 'gitlab-project',
      'Tags.member.2.Value': 'group/p',
      'Tags.member.3.Key': 'gitlab-job-id',
      'Tags.member.3.Value': '10',
    });
    expect(calls[0]?.authorization).toMatch(/Credential=fake-access-key\/\d{8}\/eu-west-1\/sts\/aws4_request/);
  });

  it('is not asked for when the profile has none', async () => {
    const { post, calls } = await stsWith(assumed);
    expect(await createJobRole(post, undefined, 'eu-west-1')(jobPayload())).toBeNull();
    expect(calls).toEqual([]);
  });

  it('is asked for again when STS throttles or fails', async () => {
    const { assume } = await stsWith(refusal(400, 'Throttling'), refusal(503, 'ServiceUnavailable'), assumed);
    expect(await assume(jobPayload())).toMatchObject({ accessKeyId: 'fake-job-key' });
  });

  it('says what to look at when STS refuses it, and does not ask again', async () => {
    const { assume, calls } = await stsWith(refusal(403, 'AccessDenied'));
    await expect(assume(jobPayload())).rejects.toMatchObject({
      name: 'JobRoleNotAssumedError',
      message: expect.stringMatching(/role\/deployer: 403 AccessDenied.*trust policy.*sts:TagSession/),
    });
    expect(calls).toHaveLength(1);
  });

  it('never tells a secret in an error', async () => {
    const { assume } = await stsWith({ status: 200, body: assumed.body.replace('SessionToken>', 'Session>') });
    const error = await assume(jobPayload()).catch((thrown: unknown) => thrown);
    expect(String(error)).toContain('no credentials');
    expect(String(error)).not.toContain('not-a-real');
  });
});
