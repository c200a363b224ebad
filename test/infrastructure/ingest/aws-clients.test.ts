import { createHash, createHmac } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { createEventBus, EventNotAcceptedError } from '../../../infrastructure/ingest/event-bus.client.ts';
import {
  loadWebhookSecrets,
  WebhookSecretUnreadableError,
} from '../../../infrastructure/ingest/webhook-secret.client.ts';
import { createSignedAws } from '../../../infrastructure/kit/aws/signed-aws.client.ts';
import type { JobEvent } from '../../../infrastructure/kit/job-event.ts';
import { jobEventSource } from '../../../infrastructure/kit/job-event-types.ts';
import { eventTaken, noSuchVersion, type StubAnswer, type StubCall, secretAnswer, startAwsStub } from './aws-stub.ts';

const busArn = 'arn:aws:events:eu-west-1:000000000000:event-bus/jobs';
const secretArn = 'arn:aws:secretsmanager:eu-west-1:000000000000:secret:webhook';
const credentials = {
  region: 'eu-west-1',
  accessKeyId: 'fake-access-key',
  secretAccessKey: 'not-a-real-secret',
  sessionToken: 'fake-session-token',
};
const impatient = { now: Date.now, sleep: () => Promise.resolve(), random: () => 0 };
const awsAt = (endpointUrl: string) => createSignedAws({ ...credentials, endpointUrl }, impatient);

const event: JobEvent = {
  jobId: 1977,
  projectId: 380,
  jobName: 'größe',
  stage: 'test',
  status: 'pending',
  projectPath: 'group/project',
  pipelineId: 1,
  ref: 'main',
  runnerId: null,
  occurredAt: '2026-09-21T02:41:38.500Z',
  receivedAt: '2026-09-21T02:41:38.500Z',
  failureReason: null,
  deliveryId: null,
};

/** Signature Version 4 written down a second time, for the one shape of request that we send. */
function signatureOf({ headers, body }: StubCall, service: string): string {
  const [, names = ''] = /SignedHeaders=([^,]+)/.exec(headers.authorization ?? '') ?? [];
  const canonical = ['POST', '/', '', ...names.split(';').map((name) => `${name}:${headers[name]}`), '', names];
  const sha256 = (text: string) => createHash('sha256').update(text).digest('hex');
  const time = String(headers['x-amz-date']);
  const scope = [time.slice(0, 8), credentials.region, service, 'aws4_request'];
  const hmac = (key: string | Buffer, text: string) => createHmac('sha256', key).update(text).digest();
  const key = scope.reduce<string | Buffer>(hmac, `AWS4${credentials.secretAccessKey}`);
  const toSign = ['AWS4-HMAC-SHA256', time, scope.join('/'), sha256([...canonical, sha256(body)].join('\n'))];
  return hmac(key, toSign.join('\n')).toString('hex');
}

describe('the event bus', () => {
  test('gets one signed entry with the event', async () => {
    await using aws = await startAwsStub(() => eventTaken);
    await createEventBus(busArn, awsAt(aws.url))('Job Pending', event);
    const [call] = aws.calls;
    expect(call?.action).toBe('AWSEvents.PutEvents');
    expect(call?.input).toEqual({
      Entries: [
        { EventBusName: busArn, Source: jobEventSource, DetailType: 'Job Pending', Detail: JSON.stringify(event) },
      ],
    });
    expect(call?.headers).toMatchObject({
      'content-type': 'application/x-amz-json-1.1',
      'x-amz-security-token': 'fake-session-token',
      authorization: expect.stringContaining(`Signature=${signatureOf(call as StubCall, 'events')}`),
    });
  });

  test.each<[string, StubAnswer]>([
    ['hangs up', 'hangUp'],
    ['has a fault', { status: 500, body: '<html>' }],
    ['throttles', { status: 400, body: { __type: 'com.amazon#ThrottlingException' } }],
    ['throttles the entry alone', { body: { FailedEntryCount: 1, Entries: [{ ErrorCode: 'ThrottlingException' }] } }],
  ])('that %s once is asked a second time', async (_what, fault) => {
    await using aws = await startAwsStub((_call, count) => (count === 1 ? fault : eventTaken));
    await createEventBus(busArn, awsAt(aws.url))('Job Pending', event);
    expect(aws.calls).toHaveLength(2);
  });

  test('that does not answer twice is given up', async () => {
    await using aws = await startAwsStub(() => 'hangUp');
    const putting = createEventBus(busArn, awsAt(aws.url))('Job Pending', event);
    await expect(putting).rejects.toThrow(EventNotAcceptedError);
    expect(aws.calls).toHaveLength(2);
  });

  test('that cannot be reached is an error that names it', async () => {
    const aws = await startAwsStub(() => eventTaken);
    await aws[Symbol.asyncDispose]();
    const putting = createEventBus(busArn, awsAt(aws.url))('Job Pending', event);
    await expect(putting).rejects.toThrow(new RegExp(`Job Pending.*${busArn}.*ECONNREFUSED`));
  });

  test.each<[string, StubAnswer]>([
    ['refuses the entry', { body: { FailedEntryCount: 1, Entries: [{ ErrorCode: 'MalformedDetail' }] } }],
    ['denies access', { status: 400, body: { __type: 'AccessDeniedException', message: 'no' } }],
    ['is no event bus', { body: {} }],
    ['answers with no JSON', { body: 'hello' }],
  ])('that %s is not asked again', async (_what, refusal) => {
    await using aws = await startAwsStub(() => refusal);
    await expect(createEventBus(busArn, awsAt(aws.url))('Job Pending', event)).rejects.toThrow(EventNotAcceptedError);
    expect(aws.calls).toHaveLength(1);
  });
});

describe('the webhook secret', () => {
  const stubOf = (versions: Record<string, StubAnswer>) =>
    startAwsStub((call) => versions[String(call.input.VersionStage)] ?? noSuchVersion);

  test('is read in its current and its previous version, with signed requests', async () => {
    await using aws = await stubOf({
      AWSCURRENT: secretAnswer({ token: 'new' }),
      AWSPREVIOUS: secretAnswer({ token: 'old' }),
    });
    const secrets = await loadWebhookSecrets(secretArn, awsAt(aws.url));
    expect([secrets.current.token, secrets.previous?.token]).toEqual(['new', 'old']);
    for (const call of aws.calls) {
      expect(call.action).toBe('secretsmanager.GetSecretValue');
      expect(call.input.SecretId).toBe(secretArn);
      expect(call.headers.authorization).toContain(signatureOf(call, 'secretsmanager'));
    }
  });

  test('may have no previous version, or a broken one', async () => {
    for (const previous of [noSuchVersion, secretAnswer('broken')]) {
      await using aws = await stubOf({ AWSCURRENT: secretAnswer({ token: 'new' }), AWSPREVIOUS: previous });
      expect(await loadWebhookSecrets(secretArn, awsAt(aws.url))).toMatchObject({
        current: { token: 'new' },
        previous: null,
      });
    }
  });

  test.each<[string, Record<string, StubAnswer>]>([
    ['is absent', {}],
    ['may not be read', { AWSCURRENT: { status: 400, body: { __type: 'AccessDeniedException' } } }],
    ['is not JSON', { AWSCURRENT: { body: { SecretString: 'plain-not-a-real-secret' } } }],
    ['is binary', { AWSCURRENT: { body: { SecretBinary: 'AAAA' } } }],
    ['arrives cut off', { AWSCURRENT: { body: '{"SecretString":"{\\"token\\":\\"plain-not-a-real-secret' } }],
    ['has an unreadable previous version', { AWSCURRENT: secretAnswer({ token: 'new' }), AWSPREVIOUS: 'hangUp' }],
    [
      'has a previous version that may not be read',
      {
        AWSCURRENT: secretAnswer({ token: 'new' }),
        AWSPREVIOUS: { status: 400, body: { __type: 'AccessDeniedException' } },
      },
    ],
  ])('that %s is an error that names it and quotes nothing', async (_what, versions) => {
    await using aws = await stubOf(versions);
    const error: unknown = await loadWebhookSecrets(secretArn, awsAt(aws.url)).catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(WebhookSecretUnreadableError);
    expect(String(error)).toContain(secretArn);
    const { message, stack } = (error as Error).cause as Error;
    expect(`${error} ${message} ${stack}`).not.toContain('plain-not-a-real-secret');
  });
});
