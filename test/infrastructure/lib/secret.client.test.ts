import { Hono } from 'hono';
import { describe, expect, it } from 'vitest';
import { createSecretReader } from '../../../infrastructure/lib/secret.client.ts';
import { serveLoopback } from '../../support/loopback.ts';

const arn = 'arn:aws:secretsmanager:eu-west-1:123456789012:secret:gitlab-token';
const secretText = '{"token":"glpat-fake-not-a-real-secret"}';
type Answer = { readonly status?: 200 | 400 | 500; readonly body: object | string };

/** Secrets Manager with these answers, one after the other (the last one for ever), and a clock to turn. */
async function secretsManager(...answers: readonly Answer[]) {
  const asked: { readonly headers: Headers; readonly body: string }[] = [];
  const clock = { milliseconds: 0 };
  const app = new Hono().post('/', async (context) => {
    const { status = 200, body } = answers[Math.min(asked.length, answers.length - 1)] ?? { body: {} };
    asked.push({ headers: context.req.raw.headers, body: await context.req.text() });
    return context.body(typeof body === 'string' ? body : JSON.stringify(body), status);
  });
  const loopback = await serveLoopback(app);
  const environment = {
    AWS_ENDPOINT_URL: loopback.url,
    AWS_REGION: 'eu-west-1',
    AWS_ACCESS_KEY_ID: 'fake',
    AWS_SECRET_ACCESS_KEY: 'not-a-real-secret',
    AWS_SESSION_TOKEN: 'fake-session',
  };
  const read = createSecretReader(arn, environment, () => clock.milliseconds);
  return { [Symbol.asyncDispose]: loopback[Symbol.asyncDispose], asked, clock, read };
}
const given = (SecretString = secretText): Answer => ({ body: { SecretString } });

describe('a secret', () => {
  it('is read with one signed request', async () => {
    await using aws = await secretsManager(given());
    expect(await aws.read()).toBe(secretText);
    expect(aws.asked.map(({ body }) => JSON.parse(body))).toEqual([{ SecretId: arn }]);
    const headers = aws.asked[0]?.headers;
    expect(headers?.get('x-amz-target')).toBe('secretsmanager.GetSecretValue');
    expect(headers?.get('authorization')).toMatch(
      /^AWS4-HMAC-SHA256 Credential=fake\/\d{8}\/eu-west-1\/secretsmanager\//,
    );
    expect(headers?.get('x-amz-security-token')).toBe('fake-session');
  });

  it('is kept for five minutes, and read again then, so that a rotation counts', async () => {
    await using aws = await secretsManager(given('one'), given('two'));
    await aws.read();
    aws.clock.milliseconds = 5 * 60_000 - 1;
    expect(await aws.read()).toBe('one');
    expect(aws.asked).toHaveLength(1);
    aws.clock.milliseconds = 5 * 60_000;
    expect(await aws.read()).toBe('two');
  });

  it('that could not be read is asked for again at once', async () => {
    const denied: Answer = { status: 400, body: { __type: 'AccessDeniedException' } };
    await using aws = await secretsManager(denied, given());
    await expect(aws.read()).rejects.toMatchObject({ name: 'SecretUnavailableError' });
    expect(await aws.read()).toBe(secretText);
  });

  it.each<[string, Answer]>([
    ['that may not be read', { status: 400, body: { __type: 'AccessDeniedException', Message: 'not authorized' } }],
    ['that does not exist', { status: 400, body: { __type: 'ResourceNotFoundException' } }],
    ['that is binary', { body: { SecretBinary: 'AAAA' } }],
    ['that is empty', { body: { SecretString: '' } }],
    ['that is answered with something else', { body: '<html>' }],
  ])('%s is an error that names it', async (_, answer) => {
    await using aws = await secretsManager(answer);
    const refused = aws.read();
    await expect(refused).rejects.toMatchObject({ name: 'SecretUnavailableError' });
    await expect(refused).rejects.toThrow(arn);
  });

  it('is tried again when Secrets Manager has a passing trouble', async () => {
    await using aws = await secretsManager({ status: 500, body: {} }, given());
    expect(await aws.read()).toBe(secretText);
    expect(aws.asked).toHaveLength(2);
  });

  it('of a Secrets Manager that nobody reaches is unavailable, by the name that the workflow tries again', async () => {
    const environment = { AWS_ENDPOINT_URL: 'http://127.0.0.1:1', AWS_REGION: 'eu-west-1' };
    const credentials = { AWS_ACCESS_KEY_ID: 'fake', AWS_SECRET_ACCESS_KEY: 'not-a-real-secret' };
    const read = createSecretReader(arn, { ...environment, ...credentials }, () => 0);
    await expect(read()).rejects.toMatchObject({ name: 'SecretUnavailableError' });
  });
});
