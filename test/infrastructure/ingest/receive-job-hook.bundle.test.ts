import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { bundleFolderOf } from '../../../infrastructure/kit/cdk/bundled-function.construct.ts';
import { eventTaken, noSuchVersion, secretAnswer, startAwsStub } from './aws-stub.ts';
import { jobHookBody } from './job-hook-bodies.ts';

const lambda = join(import.meta.dirname, '../../../infrastructure/ingest/receive-job-hook.lambda.ts');
const bundle = join(bundleFolderOf(lambda), 'index.mjs');
const token = 'not-a-real-secret';

/** Calls the bundle's handler in a process of its own; the answers are its last line, after the log lines. */
const callHandler = `
const { handler } = await import(process.env.BUNDLE);
const answers = [];
for (const request of JSON.parse(process.env.REQUESTS)) answers.push(await handler(request));
console.log(JSON.stringify(answers));
process.exit(0);
`;

async function callInFreshProcess(requests: readonly unknown[], environment: Record<string, string>) {
  const child = spawn(process.execPath, ['--input-type=module', '--eval', callHandler], {
    env: { BUNDLE: bundle, REQUESTS: JSON.stringify(requests), ...environment },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const lines = Buffer.concat(await child.stdout.toArray())
    .toString('utf8')
    .trim()
    .split('\n');
  return { answers: JSON.parse(lines.at(-1) ?? ''), log: lines.slice(0, -1).map((line) => JSON.parse(line)) };
}

const environmentWith = (endpoint: string) => ({
  AWS_ENDPOINT_URL: endpoint,
  AWS_REGION: 'eu-west-1',
  AWS_ACCESS_KEY_ID: 'fake-access-key',
  AWS_SECRET_ACCESS_KEY: 'not-a-real-secret',
  EVENT_BUS_ARN: 'arn:aws:events:eu-west-1:000000000000:event-bus/jobs',
  WEBHOOK_SECRET_ARN: 'arn:aws:secretsmanager:eu-west-1:000000000000:secret:webhook',
});

const pending = { headers: { 'x-gitlab-token': token }, body: JSON.stringify(jobHookBody()), isBase64Encoded: false };

const startAws = () =>
  startAwsStub((call) => {
    if (call.action === 'AWSEvents.PutEvents') return eventTaken;
    return call.input.VersionStage === 'AWSCURRENT' ? secretAnswer({ token }) : noSuchVersion;
  });

describe('the bundle that GitLab waits for', () => {
  test('carries neither the AWS SDK nor a schema library, and stays small', () => {
    const source = readFileSync(bundle, 'utf8');
    for (const absent of ['@aws-sdk', '@smithy', 'zod', 'picomatch']) expect(source).not.toContain(absent);
    const kibibytes = Buffer.byteLength(source) / 1_024;
    console.log(`receive-job-hook: ${kibibytes.toFixed(1)} KiB`);
    expect(kibibytes).toBeLessThan(32);
  });

  test('takes a hook to the bus by itself', async () => {
    await using aws = await startAws();
    const { answers, log } = await callInFreshProcess([pending, pending], environmentWith(aws.url));
    expect(answers).toMatchObject([{ statusCode: 202 }, { statusCode: 202 }]);
    expect(log).toMatchObject([
      { outcome: 'accepted', jobId: 1977 },
      { outcome: 'accepted', jobId: 1977 },
    ]);
    expect(aws.calls.map((call) => call.action.split('.')[1])).toEqual([
      'GetSecretValue',
      'GetSecretValue',
      'PutEvents',
      'PutEvents',
    ]);
  });

  test('reads the secret while Lambda initialises it, so that the first event finds it', async () => {
    await using aws = await startAws();
    const environment = { ...environmentWith(aws.url), AWS_LAMBDA_FUNCTION_NAME: 'receive-job-hook' };
    await callInFreshProcess([], environment);
    expect(aws.calls.map((call) => call.action.split('.')[1])).toEqual(['GetSecretValue', 'GetSecretValue']);
  });

  test('answers the first event even when nothing worked while Lambda initialised it', async () => {
    await using aws = await startAwsStub((call, count) => {
      if (count <= 4) return 'hangUp';
      return call.action === 'AWSEvents.PutEvents' ? eventTaken : secretAnswer({ token });
    });
    const environment = { ...environmentWith(aws.url), AWS_LAMBDA_FUNCTION_NAME: 'receive-job-hook' };
    const { answers } = await callInFreshProcess([pending], environment);
    expect(answers).toMatchObject([{ statusCode: 202 }]);
  });
});
