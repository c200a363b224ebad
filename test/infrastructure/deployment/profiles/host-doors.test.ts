import { describe, expect, it } from 'vitest';
import { ec2ProfileSchema } from '../../../../infrastructure/deployment/profiles/ec2-profile.ts';
import {
  harmlessDockerSettings,
  hostDoorsOf,
  jobsOwnHost,
} from '../../../../infrastructure/deployment/profiles/host-doors.ts';
import { runnerKeys } from '../../../../infrastructure/gitlab-runner/gitlab-runner-keys.ts';
import { faultsOfProfile } from '../inputs.ts';

const profile = (settings: object) => ec2ProfileSchema.parse({ type: 'EC2', ...settings });
const docker = (settings: object) => ({ runnerConfig: { docker: settings } });
const runnerTokenSecretArn = 'arn:aws:secretsmanager:eu-west-1:123456789012:secret:ci/runner-AbCdEf';

const doors: readonly (readonly [string, object])[] = [
  ['executor', { executor: 'shell' }],
  ['docker.privileged', { docker: { privileged: true } }],
  ['docker.hostSocket', { docker: { hostSocket: true } }],
  ['docker.capAdd.0', { docker: { capAdd: ['SYS_ADMIN'] } }],
  ['docker.capAdd.1', { docker: { capAdd: ['CHOWN', 'DAC_READ_SEARCH'] } }],
  ['docker.capAdd.0', { docker: { capAdd: ['ALL'] } }],
  ['docker.volumes.0', { docker: { volumes: ['/:/host:ro'] } }],
  ['docker.volumes.1', { docker: { volumes: ['/cache', '/var/run/docker.sock:/var/run/docker.sock'] } }],
  ['runnerConfig.docker.network_mode', docker({ network_mode: 'host' })],
  ['runnerConfig.docker.network_mode', docker({ network_mode: 'container:agent' })],
  ['runnerConfig.docker.pid_mode', docker({ pid_mode: 'host' })],
  ['runnerConfig.docker.ipcmode', docker({ ipcmode: 'host' })],
  ['runnerConfig.docker.userns_mode', docker({ userns_mode: 'host' })],
  ['runnerConfig.docker.services_privileged', docker({ services_privileged: true })],
  ['runnerConfig.docker.security_opt', docker({ security_opt: ['seccomp=unconfined'] })],
  ['runnerConfig.docker.services_security_opt', docker({ services_security_opt: ['apparmor:unconfined'] })],
  ['runnerConfig.docker.cgroup_parent', docker({ cgroup_parent: '/' })],
  ['runnerConfig.docker.service_cgroup_parent', docker({ service_cgroup_parent: '/' })],
  ['runnerConfig.docker.devices', docker({ devices: ['/dev/nvme0n1'] })],
  ['runnerConfig.docker.services_devices', docker({ services_devices: { 'a:b': ['/dev/kmsg'] } })],
  ['runnerConfig.docker.device_cgroup_rules', docker({ device_cgroup_rules: ['b *:* rwm'] })],
  ['runnerConfig.docker.gpus', docker({ gpus: 'all' })],
  ['runnerConfig.docker.runtime', docker({ runtime: 'runc-of-mine' })],
  ['runnerConfig.docker.volumes_from', docker({ volumes_from: ['agent'] })],
  ['runnerConfig.docker.volume_driver_ops', docker({ volume_driver_ops: { type: 'none', device: '/', o: 'bind' } })],
  ['runnerConfig.docker.sysctls', docker({ sysctls: { 'kernel.core_pattern': '|/x' } })],
  ['runnerConfig.docker.group_add', docker({ group_add: ['docker'] })],
  ['runnerConfig.docker.host', docker({ host: 'tcp://127.0.0.1:2375' })],
];

describe('a job owns its host, or could come to,', () => {
  it.each(doors)('by %s', (path, settings) => {
    expect(hostDoorsOf(profile(settings)).map((door) => door.path.join('.'))).toEqual([path]);
  });

  it.each(doors)('and then brings no long-lived runner: %s', (path, settings) => {
    const faults = faultsOfProfile({ ...settings, runnerTokenSecretArn });
    // The shell executor has words of its own.
    const place = path === 'executor' ? 'runnerTokenSecretArn' : path.replace(/\.(\d)/, '[$1]');
    expect(faults.some((fault) => fault.startsWith(`${place}:`))).toBe(true);
  });
});

describe('a job stays in its container', () => {
  it.each<[string, object]>([
    ['as a profile comes', {}],
    ['with what every container may do', { docker: { capAdd: ['NET_RAW', 'SYS_CHROOT'] } }],
    ['with folders of its own', { docker: { volumes: ['/cache', '/builds'] } }],
    ['with a network of docker’s', docker({ network_mode: 'bridge' })],
    ['with what only takes rights away', docker({ security_opt: ['no-new-privileges'], cap_drop: ['ALL'] })],
    ['with names of its own for what it shares', docker({ ipcmode: 'private', services_privileged: false })],
    ['with limits', docker({ memory: '4g', cpus: '2', ulimit: { nofile: '1024' } })],
  ])('%s', (_, settings) => {
    expect(jobsOwnHost(profile(settings))).toBe(false);
  });
});

it('every setting of docker that is taken for harmless is one of the pinned release', () => {
  const known = runnerKeys.docker;
  expect(harmlessDockerSettings.filter((key) => !(typeof known === 'object' && key in known))).toEqual([]);
});

it('a setting that nobody has looked at is a door', () => {
  expect(jobsOwnHost(profile(docker({ of_a_later_release: 'x' })))).toBe(true);
});
