import { Hono } from 'hono';
import { describe, expect, it } from 'vitest';
import { createSecretReader, rereadIntervalMilliseconds } from '../../../../infrastructure/kit/aws/secret.client.ts';
import { serveLoopback } from '../../../support/loopback.ts';

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
  const secret = createSecretReader(arn, parse, environment, () => clock.milliseconds);
  return { [Symbol.asyncDispose]: loopback[Symbol.asyncDispose], asked, clock, ...secret };
}
const parse = (text: string) => {
  if (text === 'broken') throw new Error('it holds rubbish');
  return text;
};
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
    const { read } = createSecretReader(arn, parse, { ...environment, ...credentials }, () => 0);
    await expect(read()).rejects.toMatchObject({ name: 'SecretUnavailableError' });
  });
});

describe('a secret that somebody stored wrongly', () => {
  it('counts as soon as it is mended, and is not kept', async () => {
    await using aws = await secretsManager(given('broken'), given('broken'), given('good'));
    await expect(aws.read()).rejects.toThrow('rubbish');
    await expect(aws.read()).rejects.toThrow('rubbish');
    expect(await aws.read()).toBe('good');
  });

  it('is not hidden by what it was before', async () => {
    await using aws = await secretsManager(given('old'), given('broken'), given('good'));
    await aws.read();
    await expect(aws.reread()).rejects.toThrow('rubbish');
    expect(await aws.read()).toBe('good');
  });
});

describe('a secret whose content is refused', () => {
  it('is read anew at once, however short a time ago it was read', async () => {
    await using aws = await secretsManager(given('old'), given('new'));
    expect(await aws.read()).toBe('old');
    expect(await aws.reread()).toBe('new');
    expect(await aws.read()).toBe('new');
  });

  it('is read once for all that are refused together, and all of them see what is new', async () => {
    await using aws = await secretsManager(given('old'), given('new'));
    await aws.read();
    expect(await Promise.all(Array.from({ length: 50 }, () => aws.reread()))).toEqual(Array(50).fill('new'));
    expect(await aws.reread()).toBe('new');
    expect(aws.asked).toHaveLength(2);
  });

  it('is read anew no oftener than every half a minute while it stays wrong', async () => {
    await using aws = await secretsManager(given('wrong'), given('wrong'), given('right'));
    await aws.read();
    for (let refused = 0; refused < 20; refused += 1) expect(await aws.reread()).toBe('wrong');
    expect(aws.asked).toHaveLength(2);
    aws.clock.milliseconds = rereadIntervalMilliseconds - 1;
    expect(await aws.reread()).toBe('wrong');
    aws.clock.milliseconds = rereadIntervalMilliseconds;
    expect(await aws.reread()).toBe('right');
    expect(aws.asked).toHaveLength(3);
  });

  it('is read anew at once when the last try to do so failed', async () => {
    const denied: Answer = { status: 400, body: { __type: 'AccessDeniedException' } };
    await using aws = await secretsManager(given('old'), denied, given('new'));
    await aws.read();
    await expect(aws.reread()).rejects.toMatchObject({ name: 'SecretUnavailableError' });
    expect(await aws.reread()).toBe('new');
  });
});
