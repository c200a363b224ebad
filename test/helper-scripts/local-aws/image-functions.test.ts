import { CreateFunctionCommand, InvokeCommand, LambdaClient } from '@aws-sdk/client-lambda';
import { expect, test } from 'vitest';
import { EchoEngine } from './echo-engine.ts';
import { startTestAws } from './start-test-aws.ts';

/** Runs a function of the engine's image once, in a local AWS that has ended when this returns. */
async function runOnce(engine: EchoEngine, environment: Readonly<Record<string, string>>) {
  await using aws = await startTestAws({ environment: { ...environment, LOCAL_CONTAINER_ENGINE: engine.program } });
  const credentials = { accessKeyId: 'test', secretAccessKey: 'test' };
  const lambda = new LambdaClient({ endpoint: aws.endpoint, region: 'eu-west-1', credentials });
  await lambda.send(
    new CreateFunctionCommand({
      FunctionName: 'of-an-image',
      PackageType: 'Image',
      Code: { ImageUri: 'registry.example/echo:1' },
      Role: 'arn:aws:iam::000000000000:role/any',
      Timeout: 60,
      EphemeralStorage: { Size: 1024 },
      Environment: { Variables: { GREETING: 'not on a command line' } },
    }),
  );
  const answer = await lambda.send(new InvokeCommand({ FunctionName: 'of-an-image', Payload: '"event"' }));
  return { answer: JSON.parse(answer.Payload?.transformToString() ?? 'null'), port: new URL(aws.endpoint).port };
}

test('a function of an image runs as on AWS: with its variables, without rights, in a file system of its own', async () => {
  const engine = new EchoEngine();
  const { answer, port } = await runOnce(engine, {});

  expect(answer).toEqual({ event: 'event', greeting: 'not on a command line' });
  const run = engine.calls.find(([command]) => command === 'run') ?? [];
  expect(run).toEqual(expect.arrayContaining(['--read-only', '--user=10993:10990', '--pull=never', '--network=host']));
  expect(run).toContain('--tmpfs=/tmp:rw,exec,nosuid,nodev,mode=1777,size=1024m');
  expect(run).toContain(`--label=gitlab-runners-on-demand.local=${port}`);
  expect(run.at(-1)).toBe('registry.example/echo:1');
  expect(run.join(' ')).not.toContain('not on a command line');
});

test('a function of an image runs with the flags that the user has for containers', async () => {
  const engine = new EchoEngine();
  await runOnce(engine, { LAMBDA_DOCKER_FLAGS: "--network mine --label 'two words'" });

  const run = engine.calls.find(([command]) => command === 'run') ?? [];
  expect(run).toEqual(expect.arrayContaining(['--network', 'mine', '--label', 'two words']));
  expect(run).not.toContain('--network=host');
});

test('the end of the local AWS removes the containers of its functions', async () => {
  const engine = new EchoEngine();
  await runOnce(engine, {});

  const names = engine.calls.flatMap((args) => (args[0] === 'run' ? [args[args.indexOf('--name') + 1]] : []));
  expect(names).toHaveLength(1);
  expect(engine.calls).toContainEqual(['rm', '--force', names[0]]);
});
