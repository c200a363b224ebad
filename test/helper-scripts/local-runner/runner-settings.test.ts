import { describe, expect, it } from 'vitest';
import { readCommand } from '../../../helper-scripts/local-runner/command-line.ts';
import {
  checkRunner,
  findRunner,
  RunnerSettingsError,
  readConfigFile,
  readRunLimits,
  removeRunners,
  runnerFromFlags,
  shortenToken,
} from '../../../helper-scripts/local-runner/runner-settings.ts';

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

  it('come from flags, and the token from the environment where its flag is missing', () => {
    const { flags } = readCommand(['run-single', '--url', 'http://flag', '--executor', 'shell']);
    const settings = runnerFromFlags(flags, { CI_SERVER_TOKEN: 'glrt-fake-env' });
    expect(settings).toMatchObject({ url: 'http://flag', token: 'glrt-fake-env', executor: 'shell' });
  });

  it.each([
    [[], 'Missing URL'],
    [['-u', 'http://x'], 'Missing Token'],
    [['-u', 'http://x', '-t', 't'], 'Missing Executor'],
    [['-u', 'http://x', '-t', 't', '--executor', 'ssh'], 'Unknown executor: ssh'],
  ])('from %j are incomplete: %s', (args, message) => {
    const { flags } = readCommand(['run-single', ...args]);
    expect(() => checkRunner(runnerFromFlags(flags, {}))).toThrow(message);
  });

  it('are matched without regard to case', () => {
    const [runner] = readConfigFile('[[Runners]]\nNAME = "one"\nExecutor = "shell"\nOutput_Limit = 3\n');
    expect(runner).toMatchObject({ name: 'one', executor: 'shell', outputLimitKilobytes: 3 });
  });

  it.each([
    ['output_limit = "3"', 'string; destination has type integer'],
    ['environment = "A=b"', 'string; destination has type slice'],
    ['name = 5', 'number; destination has type string'],
  ])('are refused with a value of another type: %s', (line, message) => {
    expect(() => readConfigFile(`[[runners]]\n${line}\n`)).toThrow(
      `incompatible types: TOML value has type ${message}`,
    );
  });

  it('have the tries of a final update in the file, or in a flag where there is no file', () => {
    const [runner] = readConfigFile('[[runners]]\njob_status_final_update_retry_limit = 3\n');
    expect(runner?.finalUpdateTries).toBe(3);
    expect(readConfigFile('[[runners]]\n')[0]?.finalUpdateTries).toBe(10);
    const { flags } = readCommand(['run-single', '--job-status-final-update-retry-limit', '2']);
    expect(runnerFromFlags(flags, {}).finalUpdateTries).toBe(2);
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
  it('are without end unless given', () => {
    const limits = (...args: string[]) => readRunLimits(readCommand(['run-single', ...args]));
    expect(limits()).toEqual({ maxBuilds: 0, waitTimeoutSeconds: 0 });
    expect(limits('--max-builds', '1', '--wait-timeout', '20')).toEqual({ maxBuilds: 1, waitTimeoutSeconds: 20 });
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
