import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, type TestContext } from 'vitest';
import {
  type InstanceHostOptions,
  NoSuchInstanceError,
  startInstanceHost,
} from '../../../helper-scripts/local-instances/instance-host.process.ts';
import { findProcessesOf } from '../../../helper-scripts/local-instances/process-tree.process.ts';
import { createLog } from '../../../infrastructure/kit/lambda/log.ts';
import { startLocalEc2 } from './local-ec2.server.ts';

async function world(test: TestContext, options: Partial<InstanceHostOptions> = {}) {
  const folder = mkdtempSync(join(tmpdir(), 'instance-host-'));
  const ec2 = await startLocalEc2();
  const lines: string[] = [];
  const host = await startInstanceHost({
    endpoint: ec2.url,
    region: 'eu-west-1',
    runnerPathFolder: '/opt/fake-runner',
    log: createLog((line) => lines.push(line), Date.now),
    pollMilliseconds: 30,
    folder,
    ...options,
  });
  test.onTestFinished(async () => {
    await host.stop();
    await ec2.close();
    rmSync(folder, { recursive: true, force: true });
  });
  const find = (id: string) => host.instances().find((instance) => instance.id === id);
  return {
    host,
    ec2,
    folder,
    lines,
    stateOf: (id: string) => find(id)?.state,
    consoleOf: (id: string) => {
      const path = find(id)?.logPath;
      return path && existsSync(path) ? readFileSync(path, 'utf8') : '';
    },
    processesOf: (id: string) => findProcessesOf({ folder: join(folder, id) }),
  };
}

const script = (...lines: string[]) => ['#!/bin/bash', ...lines].join('\n');
const readMetadata = (path: string) =>
  `curl -s -H "x-aws-ec2-metadata-token: $(curl -s -X PUT -H 'x-aws-ec2-metadata-token-ttl-seconds: 60' $AWS_EC2_METADATA_SERVICE_ENDPOINT/latest/api/token)" $AWS_EC2_METADATA_SERVICE_ENDPOINT/latest/${path}; echo`;

describe('the host for instances', () => {
  it('runs the user data of a running instance, in a folder and an environment of its own', async (test) => {
    const { ec2, consoleOf, stateOf, folder } = await world(test);
    ec2.launch('i-1', script('echo "in $PWD as $HOME with $PATH"', 'compgen -e | sort | tr "\\n" " "', 'sleep 300'));
    await expect.poll(() => consoleOf('i-1')).toContain('TMPDIR');
    expect(consoleOf('i-1')).toContain(
      `in ${folder}/i-1/root as ${folder}/i-1/root with ${folder}/i-1/bin:/opt/fake-runner:`,
    );
    const names = consoleOf('i-1').split('\n')[1]?.trim().split(' ') ?? [];
    const ownOfBash = ['OLDPWD', 'PWD', 'SHLVL', '_'];
    expect(names.filter((name) => !ownOfBash.includes(name))).toEqual([
      'AWS_EC2_METADATA_SERVICE_ENDPOINT',
      'AWS_ENDPOINT_URL',
      'HOME',
      'HOST_ROOT',
      'PATH',
      'TMPDIR',
    ]);
    await expect.poll(() => stateOf('i-1')).toBe('running');
  });

  it('leaves instances alone that are not of a deployment', async (test) => {
    const { ec2, host } = await world(test);
    ec2.launch('i-other', script('sleep 300'), { tagged: false });
    ec2.launch('i-ours', script('sleep 300'));
    await expect.poll(() => host.instances().map(({ id }) => id)).toEqual(['i-ours']);
  });

  it('terminates an instance that shuts itself down, and leaves nothing of it but its log', async (test) => {
    const { ec2, stateOf, processesOf, consoleOf, folder } = await world(test);
    ec2.launch('i-1', script('setsid sleep 300 &', 'echo bye', 'shutdown -h now', 'sleep 300'));
    await expect.poll(() => stateOf('i-1')).toBe('terminated');
    expect(ec2.stateOf('i-1')).toBe('terminated');
    await expect.poll(() => readdirSync(folder)).toEqual(['i-1.log']);
    expect(processesOf('i-1')).toEqual([]);
    expect(consoleOf('i-1')).toBe('bye\n');
  });

  it('only stops one that was not launched to be terminated by its own shutdown', async (test) => {
    const { ec2, stateOf } = await world(test);
    ec2.launch('i-1', script('shutdown -h now', 'sleep 300'), { shutdownBehavior: 'stop' });
    await expect.poll(() => ec2.stateOf('i-1')).toBe('stopped');
    await expect.poll(() => stateOf('i-1')).toBe('terminated');
  });

  it('kills everything of an instance that EC2 terminates, also what went into a session of its own', async (test) => {
    const { ec2, stateOf, processesOf, consoleOf, folder } = await world(test);
    ec2.launch('i-1', script('setsid bash -c "sleep 300 & sleep 300" &', "trap '' TERM", 'echo up', 'sleep 300'));
    await expect.poll(() => consoleOf('i-1')).toContain('up');
    expect(processesOf('i-1').length).toBeGreaterThan(2);
    ec2.terminate('i-1');
    await expect.poll(() => readdirSync(folder)).toEqual(['i-1.log']);
    expect(processesOf('i-1')).toEqual([]);
    expect(stateOf('i-1')).toBe('terminated');
  });

  it('leaves an instance running whose script dies without a shutdown', async (test) => {
    const { ec2, stateOf } = await world(test);
    ec2.launch('i-1', script('exit 1'));
    await expect.poll(() => stateOf('i-1')).toBe('halted');
    expect(ec2.stateOf('i-1')).toBe('running');
  });

  it('tells when user data cannot be run', async (test) => {
    const { ec2, stateOf, lines } = await world(test);
    ec2.launch('i-1', 'echo not run');
    await expect.poll(() => stateOf('i-1')).toBe('halted');
    expect(lines.join('\n')).toMatch(/instance does not boot.*UserDataError.*echo not run/);
  });

  it('gives an instance its metadata and the credentials of its role, named by the instance', async (test) => {
    const { ec2, consoleOf } = await world(test);
    ec2.launch(
      'i-1',
      script(
        readMetadata('meta-data/instance-id'),
        readMetadata('meta-data/placement/availability-zone'),
        readMetadata('meta-data/iam/security-credentials/'),
        readMetadata('meta-data/iam/security-credentials/runner-role'),
        'echo end',
      ),
    );
    await expect.poll(() => consoleOf('i-1')).toContain('end');
    const [id, zone, role, credentials = ''] = consoleOf('i-1').split('\n');
    expect([id, zone, role]).toEqual(['i-1', 'eu-west-1b', 'runner-role']);
    expect(JSON.parse(credentials)).toMatchObject({
      AccessKeyId: 'ASIAFAKE',
      SecretAccessKey: 'not-a-real-secret',
      Token: 'session-of-arn:aws:iam::000000000000:role/runner-role',
      Expiration: '2030-01-01T00:00:00.000Z',
    });
    expect(ec2.sessionNames).toEqual(['i-1']);
  });

  it('announces a spot interruption to the one instance that it is for', async (test) => {
    const { ec2, host, consoleOf } = await world(test);
    const look = script('while :; do', readMetadata('meta-data/spot/instance-action'), 'sleep 0.1', 'done');
    ec2.launch('i-1', look);
    ec2.launch('i-2', look);
    await expect.poll(() => consoleOf('i-1').length * consoleOf('i-2').length).toBeGreaterThan(0);
    expect(consoleOf('i-1').trim()).toBe('');
    await host.interrupt('i-1');
    expect(ec2.interruptions).toEqual(['i-1']);
    await expect.poll(() => consoleOf('i-1')).toContain('"action":"terminate"');
    expect(consoleOf('i-2').trim()).toBe('');
    await expect(host.interrupt('i-3')).rejects.toThrow(NoSuchInstanceError);
  });

  it('does not boot an instance that is terminated while it starts', async (test) => {
    const { ec2, stateOf, folder } = await world(test, { bootDelayMilliseconds: 400 });
    ec2.launch('i-1', script('echo booted'));
    await expect.poll(() => stateOf('i-1')).toBe('booting');
    ec2.terminate('i-1');
    await expect.poll(() => stateOf('i-1')).toBe('terminated');
    expect(readdirSync(folder)).toEqual([]);
  });

  it('goes on when EC2 does not answer for a while', async (test) => {
    const { ec2, stateOf, consoleOf } = await world(test);
    ec2.launch('i-1', script('echo up', 'sleep 300'));
    await expect.poll(() => consoleOf('i-1')).toContain('up');
    ec2.setReachable(false);
    await new Promise((resolve) => setTimeout(resolve, 100));
    await expect.poll(() => stateOf('i-1')).toBe('running');
    ec2.terminate('i-1');
    ec2.setReachable(true);
    await expect.poll(() => stateOf('i-1')).toBe('terminated');
  });

  it('leaves nothing when it is stopped', async (test) => {
    const { ec2, host, consoleOf, processesOf, folder } = await world(test);
    ec2.launch('i-1', script('setsid sleep 300 &', 'echo up', 'sleep 300'));
    await expect.poll(() => consoleOf('i-1')).toContain('up');
    expect(processesOf('i-1')).not.toEqual([]);
    await host.stop();
    expect(processesOf('i-1')).toEqual([]);
    expect(readdirSync(folder)).toEqual(['i-1.log']);
  });
});
