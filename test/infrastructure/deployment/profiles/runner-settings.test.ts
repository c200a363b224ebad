import { describe, expect, it } from 'vitest';
import { type DeploymentInput, defineDeployment } from '../../../../infrastructure/deployment/deployment.ts';
import { runnerSettingsOf } from '../../../../infrastructure/deployment/profiles/runner-settings.ts';

type ProfileInput = NonNullable<DeploymentInput['profiles']>[string];

function settingsOf(input: ProfileInput, bucket?: { name: string; region: string; prefix: string }) {
  const { profiles } = defineDeployment({ profiles: { one: input } });
  if (!profiles.one) throw new Error('the deployment has lost its profile');
  return runnerSettingsOf(profiles.one, bucket);
}

describe('what GitLab Runner is told', () => {
  it('of a profile that says nothing is little', () => {
    expect(settingsOf({ type: 'LAMBDA' })).toEqual({});
    expect(settingsOf({ type: 'EC2', executor: 'shell' })).toEqual({ job_status_final_update_retry_limit: 10 });
    expect(settingsOf({ type: 'EC2' })).toEqual({
      job_status_final_update_retry_limit: 10,
      docker: {
        image: 'public.ecr.aws/docker/library/alpine:3.22',
        privileged: false,
        pull_policy: ['if-not-present'],
        allowed_pull_policies: ['always', 'if-not-present'],
      },
    });
  });

  it('is the same of both types, in its own words', () => {
    const said = {
      environment: { A: 'b', QUOTED: '"' },
      outputLimitKiB: 100,
      hooks: { preGetSources: 'one', postGetSources: 'two', preBuild: 'three', postBuild: 'four' },
    };
    const told = {
      environment: ['A=b', 'QUOTED="'],
      output_limit: 100,
      pre_get_sources_script: 'one',
      post_get_sources_script: 'two',
      pre_build_script: 'three',
      post_build_script: 'four',
    };
    expect(settingsOf({ type: 'LAMBDA', ...said })).toEqual(told);
    expect(settingsOf({ type: 'EC2', ...said })).toMatchObject(told);
  });

  it('has the mounts of docker-in-docker when containers are privileged, unless others are said', () => {
    expect(settingsOf({ type: 'EC2', docker: { privileged: true } })).toMatchObject({
      docker: { privileged: true, volumes: ['/cache', '/certs/client'] },
    });
    expect(settingsOf({ type: 'EC2', docker: { privileged: true, volumes: ['/data:/data:ro'] } })).toMatchObject({
      docker: { volumes: ['/data:/data:ro'] },
    });
  });

  const socket = '/var/run/docker.sock:/var/run/docker.sock';

  it('has the host’s socket for jobs that use the host’s docker, and sources where that docker finds them', () => {
    expect(settingsOf({ type: 'EC2', docker: { hostSocket: true } })).toMatchObject({
      builds_dir: '/builds',
      docker: { privileged: false, volumes: ['/cache', '/builds:/builds', socket] },
    });
    expect(settingsOf({ type: 'EC2', docker: { hostSocket: true, volumes: ['/data'] } })).toMatchObject({
      docker: { volumes: ['/data', '/builds:/builds', socket] },
    });
  });

  it('has sources and caches where the profile wants them, with the host’s socket at the same path there', () => {
    const places = { buildsDir: '/srv/builds', cacheDir: '/srv/cache' };
    expect(settingsOf({ type: 'EC2', docker: places })).toMatchObject({
      builds_dir: '/srv/builds',
      cache_dir: '/srv/cache',
      docker: { volumes: ['/srv/cache'] },
    });
    expect(settingsOf({ type: 'EC2', docker: { ...places, hostSocket: true } })).toMatchObject({
      builds_dir: '/srv/builds',
      cache_dir: '/srv/cache',
      docker: { volumes: ['/cache', '/srv/builds:/srv/builds', '/srv/cache:/srv/cache', socket] },
    });
  });

  it('mounts nothing over what the profile mounts itself', () => {
    const volumes = ['/mnt/fast:/srv', '/cache'];
    const docker = { buildsDir: '/srv/builds', cacheDir: '/cache', volumes, hostSocket: true };
    expect(settingsOf({ type: 'EC2', docker })).toMatchObject({ docker: { volumes: [...volumes, socket] } });
    expect(settingsOf({ type: 'EC2', docker: { ...docker, volumes: ['/s:/sr'], hostSocket: false } })).toMatchObject({
      docker: { volumes: ['/s:/sr', '/cache'] },
    });
  });

  it('has the shell that the profile wants', () => {
    expect(settingsOf({ type: 'EC2', docker: { shell: 'pwsh' } })).toMatchObject({ shell: 'pwsh' });
    expect(settingsOf({ type: 'EC2' })).not.toHaveProperty('shell');
  });

  it('has the containers beside the job’s, its capabilities and its shared memory', () => {
    const services = [{ name: 'docker:28-dind', alias: 'docker', command: ['--mtu=1400'] }];
    expect(settingsOf({ type: 'EC2', docker: { services, capAdd: ['SYS_PTRACE'], shmSizeMiB: 256 } })).toMatchObject({
      docker: { services, cap_add: ['SYS_PTRACE'], shm_size: 268_435_456 },
    });
  });

  it('allows jobs every policy that the profile itself uses', () => {
    expect(settingsOf({ type: 'EC2', docker: { pullPolicies: ['never'] } })).toMatchObject({
      docker: { pull_policy: ['never'], allowed_pull_policies: ['always', 'if-not-present', 'never'] },
    });
  });

  it('shares a cache between runners, each of which is for one job', () => {
    const bucket = { name: 'caches', region: 'eu-west-1', prefix: 'arm' };
    expect(settingsOf({ type: 'EC2', cache: {} }, bucket)).toMatchObject({
      cache: {
        Type: 's3',
        Path: 'arm',
        Shared: true,
        s3: { BucketName: 'caches', BucketLocation: 'eu-west-1', AuthenticationType: 'iam' },
      },
    });
    expect(settingsOf({ type: 'EC2' }, bucket)).not.toHaveProperty('cache');
  });

  it('limits the archives of caches in bytes', () => {
    const bucket = { name: 'caches', region: 'eu-west-1', prefix: 'arm' };
    const limited = settingsOf({ type: 'EC2', cache: { maxArchiveMiB: 500 } }, bucket);
    expect(limited).toMatchObject({ cache: { MaxUploadedArchiveSize: 524_288_000 } });
    expect(settingsOf({ type: 'EC2', cache: {} }, bucket).cache).not.toHaveProperty('MaxUploadedArchiveSize');
  });

  it('is what the profile says in its words over what it says in ours, key by key', () => {
    const runnerConfig = { get_sources_timeout: '5m', docker: { memory: '4g', allowed_pull_policies: ['never'] } };
    expect(settingsOf({ type: 'EC2', runnerConfig })).toMatchObject({
      get_sources_timeout: '5m',
      docker: { privileged: false, memory: '4g', allowed_pull_policies: ['never'] },
    });
  });
});
