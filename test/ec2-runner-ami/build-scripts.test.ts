import { describe, expect, it } from 'vitest';
import { createBuildHost, whyNoBuildHost } from './build-host.ts';
import { commandOf } from './component-commands.ts';

const obstacle = whyNoBuildHost();
it('a host to build on can be made here', () => expect(obstacle).toBeNull());

/** The instance metadata of a build host, in the way that curl shows it. */
const metadata = `case "\${*: -1}" in
*/api/token) echo session ;;
*/instance-identity/document) echo '{"accountId":"123456789012","region":"eu-west-1"}' ;;
*/placement/region) echo eu-west-1 ;;
*/services/domain) echo amazonaws.com ;;
esac`;

describe.skipIf(obstacle !== null)('on the build host', () => {
  const toolsHost = (standIns: Readonly<Record<string, string>> = {}) =>
    createBuildHost({ dnf: '', git: '', systemctl: '', curl: metadata, ...standIns });

  it('everything is installed from Amazon Linux, and what must run at boot is enabled', () => {
    const { status, calls } = toolsHost().run(commandOf('tools', 'build'));
    expect(status).toBe(0);
    const installed = calls.find((call) => call.startsWith('dnf --assumeyes install'));
    for (const name of [
      'docker',
      'git',
      'amazon-ecr-credential-helper',
      'amazon-ssm-agent',
      'amazon-cloudwatch-agent',
    ]) {
      expect(installed?.split(' ')).toContain(name);
    }
    expect(calls).toContain('systemctl enable docker.socket docker.service amazon-ssm-agent.service');
    expect(calls).toContain('git lfs install --system');
  });

  it('a gitlab-runner service can never be started', () => {
    expect(toolsHost().run(commandOf('tools', 'build')).calls).toContain('systemctl mask gitlab-runner.service');
  });

  it("docker is told to ask the credential helper for this account's registry, for root alone", () => {
    const host = toolsHost();
    host.run(commandOf('tools', 'build'));
    expect(JSON.parse(host.read('root/.docker/config.json') ?? '')).toEqual({
      credHelpers: { '123456789012.dkr.ecr.eu-west-1.amazonaws.com': 'ecr-login' },
    });
    expect(host.modeOf('root/.docker')).toBe('700');
  });

  it('the build fails with its first command that fails', () => {
    const { status, calls } = toolsHost({ dnf: '[[ $* != *install* ]]' }).run(commandOf('tools', 'build'));
    expect(status).not.toBe(0);
    expect(calls.some((call) => call.startsWith('systemctl'))).toBe(false);
    expect(toolsHost({ curl: 'exit 22' }).run(commandOf('tools', 'build')).status).not.toBe(0);
  });

  it("docker has the helper image of this release before the image's disk is copied", () => {
    const { status, calls } = createBuildHost({ systemctl: '', docker: '' }).run(commandOf('helper-image', 'build'));
    expect(status).toBe(0);
    expect(calls[0]).toBe('systemctl start docker.service');
    expect(calls[1]).toMatch(/^docker pull registry\.gitlab\.com\/.*:x86_64-v\d+\.\d+\.\d+$/);
    expect(createBuildHost({ systemctl: '', docker: 'exit 1' }).run(commandOf('helper-image', 'build')).status).toBe(1);
  });

  it('nothing is left by which hosts could be taken for each other', () => {
    const host = createBuildHost({ systemctl: '', 'cloud-init': '', dnf: '' });
    for (const path of [
      'etc/machine-id',
      'var/lib/dbus/machine-id',
      'var/lib/docker/engine-id',
      'var/lib/systemd/random-seed',
      'var/cache/dnf/packages',
      'var/lib/docker/image/helper',
    ]) {
      host.write(path, 'of the build host\n');
    }
    const { status, calls } = host.run(commandOf('clear-identity', 'build'));
    expect(status).toBe(0);
    // Empty, not missing: systemd then writes a new one at boot and takes it for a first boot no more than that.
    expect(host.read('etc/machine-id')).toBe('');
    for (const path of [
      'var/lib/dbus/machine-id',
      'var/lib/docker/engine-id',
      'var/lib/systemd/random-seed',
      'var/cache/dnf',
    ]) {
      expect([path, host.exists(path)]).toEqual([path, false]);
    }
    expect(host.exists('var/lib/docker/image/helper')).toBe(true);
    expect(calls[0]).toBe('systemctl stop docker.service docker.socket containerd.service');
    expect(calls).toContain('cloud-init clean --logs');
  });
});

describe.skipIf(obstacle !== null)('the check of a build host', () => {
  const programs = [
    'docker',
    'docker-credential-ecr-login',
    'git',
    'git-lfs',
    'jq',
    'python3',
    'amazon-cloudwatch-agent-ctl',
  ];
  const sound: Readonly<Record<string, string>> = {
    ...Object.fromEntries(programs.map((name) => [name, ''])),
    'gitlab-runner': 'echo "Version:      19.3.0"',
    systemctl: '[[ $2 == gitlab-runner.service ]] && echo masked && exit 1; echo enabled',
    // As curl says that nobody listens, once it knows its options.
    curl: 'exit 7',
  };
  const check = (
    changes: Readonly<Record<string, string>>,
    prepare: (host: ReturnType<typeof createBuildHost>) => void = () => {},
  ) => {
    const host = createBuildHost({ ...sound, ...changes });
    host.write('etc/machine-id', '');
    prepare(host);
    return host.run(commandOf('host', 'validate', { version: '19.3.0' })).status;
  };

  it('finds nothing on one as it should be', () => {
    expect(check({})).toBe(0);
  });

  it('finds another version, a service that could start, a missing enablement and an old curl', () => {
    expect(check({ 'gitlab-runner': 'echo "Version:      19.2.0"' })).not.toBe(0);
    expect(check({ systemctl: 'echo enabled' })).not.toBe(0);
    expect(check({ systemctl: '[[ $2 == gitlab-runner.service ]] && echo masked; exit 1' })).not.toBe(0);
    expect(check({ curl: 'exit 2' })).not.toBe(0);
  });

  it('finds an identity that stayed', () => {
    expect(check({}, (host) => host.write('etc/machine-id', 'old\n'))).not.toBe(0);
    expect(check({}, (host) => host.write('var/lib/cloud/instance/user-data.txt', 'old'))).not.toBe(0);
  });
});

describe.skipIf(obstacle !== null)('the check of a booted host', () => {
  const sound: Readonly<Record<string, string>> = {
    docker: '',
    'cloud-init': 'echo; echo "status: done"',
    systemctl: '[[ $2 == gitlab-runner.service ]] && { echo inactive; exit 3; }; echo active',
  };
  const check = (changes: Readonly<Record<string, string>>, machineId = 'its own\n') => {
    const host = createBuildHost({ ...sound, ...changes });
    host.write('etc/machine-id', machineId);
    return host.run(commandOf('host', 'test')).status;
  };

  it('finds nothing on one as it should be', () => {
    expect(check({})).toBe(0);
  });

  it('finds a boot that failed, no identity, a running service, and a helper image that would be downloaded', () => {
    expect(check({ 'cloud-init': 'echo "status: error"; exit 1' })).not.toBe(0);
    expect(check({}, '')).not.toBe(0);
    expect(check({ systemctl: 'echo active' })).not.toBe(0);
    expect(check({ docker: '[[ $* != "image inspect"* ]]' })).not.toBe(0);
    expect(check({ docker: '[[ $* != "run "* ]]' })).not.toBe(0);
  });
});
