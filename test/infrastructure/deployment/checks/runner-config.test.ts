import { describe, expect, it } from 'vitest';
import { runnerKeysVersion } from '../../../../infrastructure/gitlab-runner/gitlab-runner-keys.ts';
import { gitlabRunnerRelease } from '../../../../infrastructure/gitlab-runner/gitlab-runner-pins.ts';
import { faultsOf, faultsOfProfile } from '../inputs.ts';

const faultsOfConfig = (runnerConfig: object, profile: object = {}) =>
  faultsOfProfile({ runnerConfig, ...profile }).map((fault) => fault.replace(/^runnerConfig\./, ''));
const faultsOfFunction = (runnerConfig: object) =>
  faultsOf({ profiles: { shell: { type: 'LAMBDA', runnerConfig } } }).map((fault) =>
    fault.replace(/^profiles\.shell\.runnerConfig\./, ''),
  );

it('the keys are those of the release that is pinned: look through them when it is another', () => {
  expect(runnerKeysVersion).toBe(gitlabRunnerRelease.version);
});

describe('what a profile says in GitLab Runner’s own words', () => {
  it('is fine when the runner knows it, whatever its type is', () => {
    const runnerConfig = {
      job_status_final_update_retry_limit: 3,
      debug_trace_disabled: true,
      get_sources_timeout: '1m30s',
      prepare_timeout: '.5h',
      feature_flags: { FF_USE_FASTZIP: true },
      labels: { team: 'build' },
      custom_build_dir: { enabled: true },
      docker: {
        memory: '4g',
        cpu_shares: 512,
        dns: ['10.0.0.2'],
        ulimit: { nofile: '1024:2048' },
        services_devices: { 'postgres:*': ['/dev/kmsg'] },
      },
    };
    expect(faultsOfConfig(runnerConfig)).toEqual([]);
    const cache = { Type: 's3', Shared: true, MaxUploadedArchiveSize: 1, s3: { BucketName: 'b' } };
    expect(faultsOfFunction({ cache, safe_directory_checkout: false })).toEqual([]);
  });

  it.each<[string, object, string]>([
    ['memory', { docker: { memory: 512 } }, 'docker.memory: is 512; write it as a text: "512"'],
    ['a list', { docker: { dns: '10.0.0.2' } }, 'docker.dns: is "10.0.0.2"; write a list of texts'],
    ['a list’s entry', { docker: { dns: ['a', 5] } }, 'docker.dns[1]: is 5; write it as a text: "5"'],
    ['a limit', { docker: { ulimit: { nofile: 1024 } } }, 'docker.ulimit.nofile: is 1024; write it as a text: "1024"'],
    [
      'lists in a table',
      { docker: { services_devices: { 'postgres:*': '/dev/kmsg' } } },
      'docker.services_devices["postgres:*"]: is "/dev/kmsg"; write a list of texts',
    ],
    ['a number', { docker: { cpu_shares: '512' } }, 'docker.cpu_shares: is "512"; write it as a number: 512'],
    ['a whole number', { docker: { cpu_shares: 0.5 } }, 'docker.cpu_shares: is 0.5; write a whole number'],
    ['a switch', { debug_trace_disabled: 'true' }, 'debug_trace_disabled: is "true"; write it without quotes: true'],
    ['another switch', { debug_trace_disabled: 1 }, 'debug_trace_disabled: is 1; write true or false'],
    [
      'a flag',
      { feature_flags: { FF_USE_FASTZIP: 'true' } },
      'feature_flags.FF_USE_FASTZIP: is "true"; write it without quotes: true',
    ],
    [
      'a time',
      { get_sources_timeout: 300 },
      'get_sources_timeout: is 300; a number means nanoseconds: write a text such as "30s"',
    ],
    [
      'a time in words',
      { get_sources_timeout: '5 min' },
      'get_sources_timeout: is "5 min"; write a text such as "30s"',
    ],
    ['a table', { docker: true }, 'docker: is true; write an object'],
    ['a table of texts', { docker: { sysctls: ['a'] } }, 'docker.sysctls: is a list of 1; write an object'],
    ['nothing', { docker: { dns: null } }, 'docker.dns: is null, which GitLab Runner does not know; remove it'],
    [
      'a label',
      { labels: { os: 'linux' } },
      'labels.os: a label has letters, digits and _.- only, at least three in its name; write it so',
    ],
  ])('is refused when %s has another type than the runner takes', (_what, runnerConfig, fault) => {
    expect(faultsOfConfig(runnerConfig)).toEqual([fault]);
  });

  it.each<[string, object, string]>([
    [
      'misspelt',
      { docker: { privilged: true } },
      'docker.privilged: GitLab Runner 19.3.0 has no such key; did you mean "privileged"?',
    ],
    [
      'in another table',
      { memory: '4g' },
      'memory: GitLab Runner 19.3.0 has no such key; did you mean "docker.memory"?',
    ],
    [
      'unknown',
      { colour: 'red' },
      expect.stringMatching(/^colour: GitLab Runner 19\.3\.0 has no such key; those that there are: https:/) as string,
    ],
    [
      'what every object has',
      { constructor: 'x' },
      expect.stringMatching(/^constructor: GitLab Runner 19\.3\.0 has no such key/) as string,
    ],
    [
      'a flag that there is not',
      { feature_flags: { FF_USE_FASTZIPP: true } },
      'feature_flags.FF_USE_FASTZIPP: GitLab Runner 19.3.0 has no such feature flag; did you mean "FF_USE_FASTZIP"?',
    ],
  ])('is refused when a key is %s, since the runner would ignore it', (_what, runnerConfig, fault) => {
    expect(faultsOfConfig(runnerConfig)).toEqual([fault]);
  });

  it('is refused when a key differs from the runner’s by case alone, at every depth', () => {
    expect(
      faultsOfConfig({
        Executor: 'shell',
        URL: 'https://elsewhere.example.com',
        Output_Limit: 5,
        Proxy_Exec: true,
        Docker: { image: 'x' },
        docker: { Memory: '4g', Privileged: true, memory: '2g' },
      }),
    ).toEqual([
      'Executor: the profile has a setting for this; write it as "executor"',
      'URL: each host writes this itself; remove it',
      'Output_Limit: the profile has a setting for this; write it as "outputLimitKiB"',
      'Proxy_Exec: GitLab Runner takes this for "proxy_exec", whatever the case; write it as "proxy_exec"',
      'Docker: GitLab Runner takes this for "docker", whatever the case; write it as "docker"',
      'docker.Memory: GitLab Runner takes this for "memory", whatever the case; write it as "memory"',
      'docker.Privileged: the profile has a setting for this; write it as "docker.privileged"',
    ]);
    expect(faultsOfFunction({ EXECUTOR: 'docker', cache: { type: 's3' } })).toEqual([
      'EXECUTOR: each host writes this itself; remove it',
      'cache.type: GitLab Runner takes this for "Type", whatever the case; write it as "Type"',
    ]);
  });

  it('is refused where a host says it itself', () => {
    expect(faultsOfConfig({ name: 'mine', token: 'not-a-real-secret', token_obtained_at: 'now' })).toEqual([
      'name: each host writes this itself; remove it',
      'token: each host writes this itself; remove it',
      'token_obtained_at: each host writes this itself; remove it',
    ]);
    expect(faultsOfConfig({ builds_dir: '/b' }, { executor: 'shell' })).toEqual([
      'builds_dir: each host writes this itself; remove it',
    ]);
  });

  it('is refused where the profile or the deployment has own words', () => {
    expect(
      faultsOfConfig({
        environment: ['A=b'],
        docker: { image: 'alpine', services: [{ name: 'x' }] },
        cache: {},
        builds_dir: '/b',
        shell: 'pwsh',
        'tls-ca-file': '/ca.pem',
      }),
    ).toEqual([
      'environment: the profile has a setting for this; write it as "environment"',
      'docker.image: the profile has a setting for this; write it as "docker.image"',
      'docker.services: the profile has a setting for this; write it as "docker.services"',
      'cache: the profile has a setting for this; write it as "cache"',
      'builds_dir: the profile has a setting for this; write it as "docker.buildsDir"',
      'shell: the profile has a setting for this; write it as "docker.shell"',
      expect.stringMatching(/^runnerConfig\["tls-ca-file"\]: the deployment has .*"gitlab\.caCertificates"$/),
    ]);
  });

  it('is refused where it would do nothing, with the place that works', () => {
    const [concurrent, logLevel, session, interval, parallel, machine, inner] = faultsOfConfig({
      concurrent: 4,
      log_level: 'debug',
      session_server: { listen_address: ':8093' },
      check_interval: 1,
      request_concurrency: 2,
      machine: {},
      runners: [{ output_limit: 5 }],
    });
    expect(concurrent).toBe(
      'concurrent: each runner takes one job; how many may run at the same time is "maxConcurrent"',
    );
    expect(logLevel).toMatch(/^log_level: is no key of \[\[runners\]\].*set CI_DEBUG_TRACE in GitLab$/);
    expect(session).toMatch(/^session_server: nothing reaches a runner of ours.*"sessionManager" or "ssh"$/);
    expect(interval).toMatch(/^check_interval: is for a runner that waits for jobs all day.*remove it$/);
    expect(parallel).toMatch(/^request_concurrency: is for a runner that waits for jobs all day.*remove it$/);
    expect(machine).toBe('machine: is for an executor that we do not have; remove it');
    expect(inner).toBe('runners: this is the [[runners]] section already; write its keys without it');
  });

  it('is refused where there is no docker', () => {
    const fault = 'docker: has no effect without the docker executor; remove it';
    expect(faultsOfConfig({ docker: { shm_size: 1 } }, { executor: 'shell' })).toEqual([fault]);
    expect(faultsOfFunction({ executor: 'docker', docker: {} })).toEqual([
      'executor: each host writes this itself; remove it',
      fault,
    ]);
  });
});
