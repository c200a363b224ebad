import { describe, expect, it } from 'vitest';
import { runnerTokenSecretsOf } from '../../../../infrastructure/deployment/checks/runner-tokens.ts';
import { defineDeployment } from '../../../../infrastructure/deployment/deployment.ts';
import { faultsOf, faultsOfProfile } from '../inputs.ts';

const runnerTokenSecretArn = 'arn:aws:secretsmanager:eu-west-1:123456789012:secret:ci/runner-AbCdEf';
const remedy = 'use a profile of type EC2 with the executor "docker", or remove it';

describe('a profile with a long-lived runner', () => {
  it.each<[string, object]>([
    ['as it comes', {}],
    ['with paths in the container', { docker: { volumes: ['/cache', '/builds'] } }],
    [
      'with settings of docker that keep jobs in their containers',
      {
        docker: { shmSizeMiB: 256, services: [{ name: 'postgres:17' }] },
        runnerConfig: { docker: { dns: ['1.1.1.1'] }, feature_flags: { FF_SCRIPT_SECTIONS: true } },
      },
    ],
  ])('is fine: %s', (_, changes) => {
    expect(faultsOfProfile({ runnerTokenSecretArn, ...changes })).toEqual([]);
  });

  it.each<[string, object, string[]]>([
    [
      'the shell executor',
      { executor: 'shell' },
      [
        `runnerTokenSecretArn: is not for the executor "shell", whose jobs could read the long-lived token of the runner; ${remedy}`,
      ],
    ],
    [
      'privileged containers',
      { docker: { privileged: true } },
      [
        'docker.privileged: is true, which would open the host to jobs, which could then read the token of runnerTokenSecretArn; remove one of them',
      ],
    ],
    ["the host's docker", { docker: { hostSocket: true } }, ['docker.hostSocket: is true, which would open the host']],
    [
      'capabilities beyond those of any container',
      { docker: { capAdd: ['SYS_ADMIN'] } },
      ['docker.capAdd[0]: "SYS_ADMIN" could open the host'],
    ],
    [
      'parts of the host in a container',
      { docker: { volumes: ['/cache', '/var/run/docker.sock:/var/run/docker.sock', '/:/host:ro'] } },
      ['docker.volumes[1]', 'docker.volumes[2]'],
    ],
    [
      'settings of docker that open the host',
      { runnerConfig: { docker: { network_mode: 'host', devices: ['/dev/kmsg'], dns: ['1.1.1.1'] } } },
      ['runnerConfig.docker.network_mode', 'runnerConfig.docker.devices'],
    ],
    [
      'a secret whose name is not whole',
      { runnerTokenSecretArn: 'arn:aws:secretsmanager:eu-west-1:123456789012:secret:ci' },
      [
        'runnerTokenSecretArn: is "arn:aws:secretsmanager:eu-west-1:123456789012:secret:ci"; write the secret\'s whole ARN, such as arn:aws:secretsmanager:eu-west-1:123456789012:secret:ci-runner-AbCdEf',
      ],
    ],
    ['the token itself', { runnerTokenSecretArn: 'glrt-fake-token' }, ['runnerTokenSecretArn']],
  ])('is refused with %s', (_, changes, expected) => {
    const faults = faultsOfProfile({ runnerTokenSecretArn, ...changes });
    expect(faults).toHaveLength(expected.length);
    for (const [index, fault] of expected.entries()) expect(faults[index]?.startsWith(fault)).toBe(true);
  });

  it('is refused for functions', () => {
    expect(faultsOf({ profiles: { shell: { type: 'LAMBDA', runnerTokenSecretArn } } })).toEqual([
      expect.stringMatching(
        /^profiles\.shell\.runnerTokenSecretArn: is "arn:aws.*is not for functions, .*or remove it$/,
      ),
    ]);
  });

  it('shares its runner with no other profile, also when it is extended', () => {
    const profiles = { one: { type: 'EC2', runnerTokenSecretArn }, two: { type: 'EC2', extends: 'one' } };
    const faults = faultsOf({ profiles }).join('\n');
    expect(faults).toMatch(/is that of the profile "one" too, .*make a runner for each/);
  });
});

it('the secrets of a deployment are known by profile', () => {
  const deployment = defineDeployment({
    profiles: { default: { type: 'EC2' }, shared: { type: 'EC2', runnerTokenSecretArn }, shell: { type: 'LAMBDA' } },
  });
  expect(runnerTokenSecretsOf(deployment)).toEqual({ shared: runnerTokenSecretArn });
});
