import { spawnSync } from 'node:child_process';
import { describe, expect, it } from 'vitest';
import {
  engineAnswers,
  engineOf,
  removeContainers,
  serverVariables,
  writeAssetEngine,
} from '../../../helper-scripts/local-run/container-engine.process.ts';
import { FakeEngine } from './fake-engine.ts';

describe('the container engine', () => {
  it('is the one that the CDK would call', () => {
    expect(engineOf({}).command).toBe('docker');
    expect(engineOf({ CDK_DOCKER: '' }).command).toBe('docker');
    expect(engineOf({ CDK_DOCKER: 'podman' }).command).toBe('podman');
  });

  it('is taken for gone when its daemon hangs', async () => {
    expect(await engineAnswers(new FakeEngine({ info: 'exec sleep 60' }).engine(), 200)).toBe(false);
  });

  it('runs functions on the machine’s own network, at the daemon that the user has', () => {
    const variables = serverVariables(engineOf({ DOCKER_HOST: 'unix:///run/mine.sock', GITLAB_TOKEN: 'not-a-token' }));
    expect(variables).toEqual({
      DOCKER_HOST: 'unix:///run/mine.sock',
      LOCAL_CONTAINER_ENGINE: 'docker',
      LAMBDA_DOCKER_FLAGS: '--network=host',
    });
  });

  it('runs functions with the user’s own flags, when there are some', () => {
    const variables = serverVariables(engineOf({ LAMBDA_DOCKER_FLAGS: '--network mine' }));
    expect(variables.LAMBDA_DOCKER_FLAGS).toBe('--network mine');
  });

  it('removes what carries the label of a local run', async () => {
    const fake = new FakeEngine({ ps: 'echo first; echo second', rm: 'exit 0' });
    await removeContainers(fake.engine(), 'label=1');
    expect(fake.calls).toEqual(['ps --all --quiet --filter label=label=1', 'rm --force first second']);
  });

  it('removes nothing when there is nothing', async () => {
    const fake = new FakeEngine({ ps: 'exit 0' });
    await removeContainers(fake.engine(), 'label=1');
    expect(fake.calls).toHaveLength(1);
  });
});

describe('the container engine of the CDK', () => {
  function callThrough(...args: string[]) {
    const fake = new FakeEngine({ build: 'exit 0', tag: 'exit 3' });
    const program = writeAssetEngine(fake.folder, fake.engine());
    return { status: spawnSync(program, args).status, calls: fake.calls };
  }

  it.each([
    ['logs in', ['login', '--username', 'AWS', '--password-stdin', '000000000000.dkr.ecr.eu-west-1.amazonaws.com']],
    ['pushes', ['push', '000000000000.dkr.ecr.eu-west-1.amazonaws.com/assets:1']],
    ['pushes with a configuration of its own', ['--config', '/tmp/x', 'push', 'image']],
  ])('%s nowhere', (_what, args) => {
    expect(callThrough(...args)).toEqual({ status: 0, calls: [] });
  });

  it('builds and tags, and fails as the engine does', () => {
    expect(callThrough('build', '--tag', 'push', '.')).toEqual({ status: 0, calls: ['build --tag push .'] });
    expect(callThrough('tag', 'a', 'b').status).toBe(3);
  });
});
