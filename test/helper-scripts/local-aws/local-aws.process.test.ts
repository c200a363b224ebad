import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, mkdtempSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { CloudFormationClient, CreateStackCommand, waitUntilStackCreateComplete } from '@aws-sdk/client-cloudformation';
import { CreateAccessKeyCommand, CreateUserCommand, IAMClient } from '@aws-sdk/client-iam';
import { InvokeCommand, LambdaClient } from '@aws-sdk/client-lambda';
import { ListQueuesCommand, SQSClient } from '@aws-sdk/client-sqs';
import { expect, test, vi } from 'vitest';
import {
  type LocalAws,
  LocalAwsFailedError,
  PortInUseError,
} from '../../../helper-scripts/local-aws/local-aws.process.ts';
import { ensurePythonEnvironment } from '../../../helper-scripts/local-aws/python-environment.process.ts';
import { freePort, repository, startTestAws } from './start-test-aws.ts';

const root = { accessKeyId: 'test', secretAccessKey: 'test' };
type Address = Pick<LocalAws, 'endpoint' | 'environment'>;

const clientOf = ({ endpoint, environment }: Address, credentials = root) => ({
  endpoint,
  credentials,
  region: environment.AWS_REGION ?? '',
});

/** The id of a process that runs a function, from the function itself. */
async function startFunction(aws: Address): Promise<number> {
  const code = 'exports.handler = async () => process.pid;';
  const properties = {
    FunctionName: 'who',
    Runtime: 'nodejs24.x',
    Handler: 'index.handler',
    Role: 'arn:aws:iam::000000000000:role/who',
    Code: { ZipFile: code },
  };
  const template = { Resources: { Who: { Type: 'AWS::Lambda::Function', Properties: properties } } };
  const cloudFormation = new CloudFormationClient(clientOf(aws));
  await cloudFormation.send(new CreateStackCommand({ StackName: 'who', TemplateBody: JSON.stringify(template) }));
  await waitUntilStackCreateComplete(
    { client: cloudFormation, maxWaitTime: 20, minDelay: 1, maxDelay: 1 },
    { StackName: 'who' },
  );
  const { Payload } = await new LambdaClient(clientOf(aws)).send(new InvokeCommand({ FunctionName: 'who' }));
  return Number(Buffer.from(Payload ?? []).toString());
}

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}

test('after a stop, neither the server nor the process of a function is left, and the port is free for the next', async () => {
  const port = await freePort();
  const first = await startTestAws({ port });
  const functionPid = await startFunction(first);
  expect(isAlive(functionPid)).toBe(true);

  await first.stop();
  await first.stop();

  expect([first.pid, functionPid].map(isAlive)).toEqual([false, false]);
  await using second = await startTestAws({ port });
  expect(isAlive(second.pid)).toBe(true);
});

test('it ends with its functions when the program that started it is killed', async () => {
  const script = join(mkdtempSync(join(tmpdir(), 'local-aws-parent-')), 'parent.ts');
  const python = await ensurePythonEnvironment({ log: console.log });
  const options = { port: await freePort(), python, nodeModules: '', logFile: `${script}.log` };
  const source = join(repository, 'helper-scripts/local-aws/local-aws.process.ts');
  writeFileSync(
    script,
    `import { startLocalAws } from ${JSON.stringify(source)};
     console.log(JSON.stringify(await startLocalAws(${JSON.stringify(options)})));
     setInterval(() => {}, 1000);`,
  );
  const parent = spawn(process.execPath, [script], { stdio: ['ignore', 'pipe', 'inherit'] });
  const [line] = await once(parent.stdout, 'data');
  const aws: LocalAws = JSON.parse(String(line));
  const pids = [aws.pid, await startFunction(aws)];
  expect(pids.map(isAlive)).toEqual([true, true]);

  parent.kill('SIGKILL');

  await vi.waitFor(() => expect(pids.map(isAlive)).toEqual([false, false]), { timeout: 20_000, interval: 100 });
});

test('a port that something else listens on is named, together with what to do', async () => {
  const other = createServer();
  const port = await freePort();
  await new Promise<void>((listening) => other.listen(port, '127.0.0.1', listening));
  try {
    const attempt = startTestAws({ port });
    await expect(attempt).rejects.toThrow(PortInUseError);
    await expect(attempt).rejects.toThrow(`127.0.0.1:${port}`);
  } finally {
    other.close();
  }
});

test('a server that ends at once is reported with the end of its log', async () => {
  const python = join(mkdtempSync(join(tmpdir(), 'local-aws-broken-')), 'python');
  writeFileSync(python, '#!/bin/sh\necho "ModuleNotFoundError: No module named ministack" >&2\nexit 3\n');
  chmodSync(python, 0o755);

  const attempt = startTestAws({ python });

  await expect(attempt).rejects.toThrow(LocalAwsFailedError);
  await expect(attempt).rejects.toThrow(/code 3[\s\S]*No module named ministack/);
});

test('a Python that is not there is reported', async () => {
  await expect(startTestAws({ python: '/no/such/python' })).rejects.toThrow(/cannot be started.*ENOENT/);
});

test('a user without a policy is refused while IAM is enforced, and only then', async () => {
  await using aws = await startTestAws();
  const iam = new IAMClient(clientOf(aws));
  await iam.send(new CreateUserCommand({ UserName: 'nobody' }));
  const { AccessKey } = await iam.send(new CreateAccessKeyCommand({ UserName: 'nobody' }));
  const { AccessKeyId: accessKeyId = '', SecretAccessKey: secretAccessKey = '' } = AccessKey ?? {};
  const sqs = new SQSClient(clientOf(aws, { accessKeyId, secretAccessKey }));
  const listQueues = () => sqs.send(new ListQueuesCommand({}));

  await expect(listQueues()).resolves.toBeDefined();
  await Promise.all([aws.enforceIam(true), aws.enforceIam(true)]);
  await expect(listQueues()).rejects.toThrow(/not authorized/);
  await aws.enforceIam(false);
  await expect(listQueues()).resolves.toBeDefined();
});
