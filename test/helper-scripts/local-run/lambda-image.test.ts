import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import {
  LambdaImageError,
  type LambdaImageOptions,
  prepareLambdaImages,
} from '../../../helper-scripts/local-run/lambda-image.process.ts';
import { type FakeCommands, FakeEngine } from './fake-engine.ts';

const version = 'printf "Version:      19.3.0\\nGit revision: 1\\n"';
const isGood: FakeCommands = {
  image: 'exit 1',
  build: 'echo built',
  run: `${version}; exec node --eval "$last"`,
};

/** Prepares the image of a synthesized app with this engine. */
async function prepareWith(
  engine: FakeEngine,
  changes: Partial<LambdaImageOptions> = {},
  environment: Readonly<Record<string, string>> = {},
): Promise<string> {
  const source = {
    directory: 'asset.abc',
    dockerBuildArgs: { version: '19.3.0', key_urls: 'https://a.example https://b.example' },
    platform: 'linux/amd64',
  };
  mkdirSync(join(engine.folder, source.directory));
  writeFileSync(
    join(engine.folder, 'Stack.assets.json'),
    JSON.stringify({ files: {}, dockerImages: { ABC: { source } } }),
  );
  return prepareLambdaImages({
    engine: engine.engine(environment),
    assembly: engine.folder,
    label: 'test=1',
    logFile: join(engine.folder, 'image.log'),
    tell: () => {},
    ...changes,
  });
}

async function failureOf(commands: FakeCommands, changes: Partial<LambdaImageOptions> = {}): Promise<string> {
  const error: unknown = await prepareWith(new FakeEngine(commands), changes).catch((reason: unknown) => reason);
  expect(error).toBeInstanceOf(LambdaImageError);
  return (error as LambdaImageError).message;
}

describe('the image of the Lambda shell runner', () => {
  it('is built under the name by which the CDK looks for it, as the CDK would build it', async () => {
    const engine = new FakeEngine({ ...isGood, build: 'pwd' });
    expect(await prepareWith(engine)).toBe('gitlab-runner 19.3.0');
    expect(engine.calls).toContain(
      'build --build-arg version=19.3.0 --build-arg key_urls=https://a.example https://b.example --tag cdkasset-abc --platform linux/amd64 .',
    );
    expect(readFileSync(join(engine.folder, 'image.log'), 'utf8')).toMatch(/^\/.*\/asset\.abc$/m);
  });

  it('is not built again when it is there', async () => {
    const engine = new FakeEngine({ ...isGood, image: 'exit 0' });
    await prepareWith(engine);
    expect(engine.calls.map((line) => line.split(' ')[0])).toEqual(['image', 'run']);
  });

  it('is tried out as the local AWS will run it, on the machine’s own network', async () => {
    const engine = new FakeEngine(isGood);
    await prepareWith(engine);
    expect(engine.calls.at(-1)).toMatch(/^run .*--read-only .*--network=host .*cdkasset-abc -c /);
  });

  it('is tried out with the flags that the user has for containers', async () => {
    const engine = new FakeEngine(isGood);
    await prepareWith(engine, {}, { LAMBDA_DOCKER_FLAGS: '--network \'mine\' --label="a b"' });
    expect(engine.calls.at(-1)).toMatch(/ --network mine --label=a b --entrypoint/);
    expect(engine.calls.at(-1)).not.toMatch(/host/);
  });

  it('cannot be used when its build fails, and the cause is told', async () => {
    const build = 'echo "curl: (6) Could not resolve host: downloads.example" >&2; echo "code 1"; exit 1';
    expect(await failureOf({ ...isGood, build })).toMatch(
      /was not built: curl: \(6\) Could not resolve host: down.*log/,
    );
  });

  it('cannot be used when its build takes for ever', async () => {
    const limit = { buildLimitMilliseconds: 300 };
    expect(await failureOf({ ...isGood, build: 'exec sleep 60' }, limit)).toMatch(/not built: it took longer than/);
  });

  it('cannot be used when its containers do not start, and the engine’s words are told', async () => {
    const run = 'echo "cannot share the host network namespace" >&2; exit 125';
    expect(await failureOf({ ...isGood, run })).toMatch(/does not run gitlab-runner: cannot share the host network/);
  });

  it.each([
    ['get no connection', `${version}; echo "TypeError: fetch failed" >&2; exit 1`],
    ['reach another server', `${version}; echo "reached something else"`],
  ])('cannot be used when its containers %s at the loopback', async (_what, run) => {
    expect(await failureOf({ ...isGood, run })).toMatch(/\(--network=host\) do not reach this machine's 127\.0\.0\.1/);
  });

  it('is left when the user ends the start, which is not a reason for a zip', async () => {
    const interrupted = new AbortController();
    const engine = new FakeEngine({ ...isGood, build: 'echo begun; exec sleep 60' });
    const prepared = prepareWith(engine, { signal: interrupted.signal, tell: () => interrupted.abort() });
    await expect(prepared).rejects.not.toThrow(LambdaImageError);
    await expect(prepared).rejects.toThrow(/abort/);
  });
});
