import fc from 'fast-check';
import { parse } from 'smol-toml';
import { describe, expect, it } from 'vitest';
import {
  layOutJobFolder,
  renderRunnerConfig,
  runnerArguments,
  systemIdOf,
} from '../../lambda-shell-runner/runner-config.ts';

const folder = layOutJobFolder('/tmp/job-abc');

function runnerIn(config: string) {
  return (parse(config) as { runners: Record<string, unknown>[] }).runners[0];
}

describe('the configuration for gitlab-runner', () => {
  it('has one shell runner that works inside the folder of its job', () => {
    const config = renderRunnerConfig({ name: 'one', url: 'https://gitlab.example.com', token: 'glrt-fake' }, folder);
    expect(runnerIn(config)).toEqual({
      job_status_final_update_retry_limit: 3,
      name: 'one',
      url: 'https://gitlab.example.com',
      token: 'glrt-fake',
      executor: 'shell',
      shell: 'bash',
      builds_dir: '/tmp/job-abc/builds',
      cache_dir: '/tmp/job-abc/cache',
    });
  });

  it('tries three times to report the end of the job, or as often as the profile says', () => {
    const runner = { name: 'one', url: 'https://gitlab.example.com', token: 'glrt-fake' };
    const limitOf = (config: string) => runnerIn(config)?.job_status_final_update_retry_limit;
    expect(limitOf(renderRunnerConfig(runner, folder))).toBe(3);
    const settings = { job_status_final_update_retry_limit: 5 };
    expect(limitOf(renderRunnerConfig(runner, folder, settings))).toBe(5);
  });

  it('keeps every name, address and token as it is, whatever signs they hold', () => {
    const text = fc.string({ unit: 'grapheme', minLength: 1 });
    fc.assert(
      fc.property(text, text, text, (name, url, token) => {
        expect(runnerIn(renderRunnerConfig({ name, url, token }, folder))).toMatchObject({ name, url, token });
      }),
    );
  });

  it('cannot be given a setting of its own by a name', () => {
    const name = 'x"\nexecutor = "docker"\n[[runners]]\nname = "y';
    const config = renderRunnerConfig({ name, url: 'https://gitlab.example.com', token: 'glrt-fake' }, folder);
    expect((parse(config) as { runners: unknown[] }).runners).toHaveLength(1);
    expect(runnerIn(config)).toMatchObject({ name, executor: 'shell' });
  });
});

describe('the arguments of gitlab-runner', () => {
  it('name the file instead of the token, and one job', () => {
    expect(runnerArguments(folder, 'one', 20).join(' ')).toBe(
      '--log-format json run-single -c /tmp/job-abc/runner/config.toml -r one --max-builds 1 --wait-timeout 20',
    );
  });

  it('never have the flag on which it panics', () => {
    expect(runnerArguments(folder, 'one', 20)).not.toContain('--shutdown-timeout');
  });
});

describe('the system id', () => {
  it('has the form that gitlab-runner accepts, differs by ticket, and does not show the ticket', () => {
    expect(systemIdOf('ticket-1')).toMatch(/^[rs]_[0-9a-zA-Z]{12}$/);
    expect(systemIdOf('ticket-1')).toBe(systemIdOf('ticket-1'));
    expect(systemIdOf('ticket-1')).not.toBe(systemIdOf('ticket-2'));
    expect(systemIdOf('abcdefabcdef')).not.toContain('abcdefabcdef');
  });
});
