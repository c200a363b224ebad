import { describe, expect, it } from 'vitest';
import { parseCommandLine } from '../../../../helper-scripts/local/gitlab-runner/command-line.ts';
import {
  checkRunner,
  findRunner,
  RunnerSettingsError,
  readConfigFile,
  readRunLimits,
  removeRunners,
  runnerFromFlags,
  shortenToken,
} from '../../../../helper-scripts/local/gitlab-runner/runner-settings.ts';

const toml = `
concurrent = 1
[[runners]]
  name = "one"
  url = "https://gitlab.example.com"
  token = "glrt-fake-one"
  executor = "docker"
  environment = ["A=b"]
  output_limit = 10
  [runners.docker]
    image = "alpine:3"
[[runners]]
  name = "two"
  url = "https://gitlab.example.com"
  token = "glrt-fake-two"
  executor = "shell"
  builds_dir = "/tmp/builds"
`;

describe('the settings of a runner', () => {
  it('come from the entry of config.toml that has the name', () => {
    const runners = readConfigFile(toml);
    expect(findRunner(runners, 'two')).toMatchObject({ executor: 'shell', shell: 'bash', buildsDir: '/tmp/builds' });
    expect(findRunner(runners, 'one')).toMatchObject({
      environment: ['A=b'],
      outputLimitKilobytes: 10,
      buildsDir: './builds',
    });
    expect(() => findRunner(runners, 'three')).toThrow(RunnerSettingsError);
  });

  it('come from flags, and from the environment where a flag is missing', () => {
    const line = parseCommandLine(['run-single', '--url', 'http://flag', '--executor', 'shell']);
    const settings = runnerFromFlags(line, { CI_SERVER_URL: 'http://env', CI_SERVER_TOKEN: 'glrt-fake-env' });
    expect(settings).toMatchObject({ url: 'http://flag', token: 'glrt-fake-env', executor: 'shell' });
  });

  it.each([
    [{}, 'Missing URL'],
    [{ CI_SERVER_URL: 'http://x' }, 'Missing Token'],
    [{ CI_SERVER_URL: 'http://x', CI_SERVER_TOKEN: 't' }, 'Missing Executor'],
    [{ CI_SERVER_URL: 'http://x', CI_SERVER_TOKEN: 't', RUNNER_EXECUTOR: 'ssh' }, 'executor "ssh" is unknown'],
  ])('from %j are incomplete: %s', (env, message) => {
    expect(() => checkRunner(runnerFromFlags(parseCommandLine(['run-single']), env))).toThrow(message);
  });

  it('keep the other runners when one is unregistered', () => {
    const left = removeRunners(toml, new Set(['one']));
    expect(readConfigFile(left).map(({ name }) => name)).toEqual(['two']);
    expect(left).toContain('concurrent = 1');
  });

  it('are refused when the file is not TOML', () => {
    expect(() => readConfigFile('[[runners')).toThrow('Error loading config: decoding configuration file');
  });
});

describe('limits', () => {
  it('are without end unless given, and must be whole numbers', () => {
    const limits = (...args: string[]) => readRunLimits(parseCommandLine(['run-single', ...args]));
    expect(limits()).toEqual({ maxBuilds: 0, waitTimeoutSeconds: 0, finalUpdateRetryLimit: 10 });
    expect(limits('--max-builds', '1', '--wait-timeout', '20')).toMatchObject({ maxBuilds: 1, waitTimeoutSeconds: 20 });
    expect(() => limits('--wait-timeout', '20s')).toThrow('--wait-timeout is "20s"');
  });
});

describe('a token', () => {
  it.each([
    ['glrt-abcdefghijkl', 'abcdefghi'],
    ['glrt-t1_abcdefghijkl', 'abcdefghi'],
    ['short', 'short'],
  ])('%s is shown as %s', (token, short) => {
    expect(shortenToken(token)).toBe(short);
  });
});
