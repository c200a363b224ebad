import { describe, expect, it } from 'vitest';
import { readRunnerLogLine } from '../../lambda-shell-runner/runner-log.ts';

/** A line as gitlab-runner 19.3 writes it with `--log-format json`. */
function line(level: string, msg: string, fields: object = {}): string {
  return JSON.stringify({ level, msg, time: '2026-11-21T03:28:39.258297737Z', runner: 'abcdefgh1', ...fields });
}

const signOf = (text: string) => readRunnerLogLine(text).sign;

describe('the log of gitlab-runner', () => {
  it('tells when the configuration was read, without the beginning of the token', () => {
    const read = readRunnerLogLine(
      line('info', 'Starting runner for https://gitlab.example.com with token abcdefgh1 ...'),
    );
    expect(read).toEqual({
      level: 'info',
      message: 'Starting runner for https://gitlab.example.com with token [...] ...',
      fields: {},
      sign: { kind: 'config-read' },
    });
  });

  it('tells which job was taken', () => {
    const received = line('info', 'Checking for jobs... received', {
      job: 10,
      repo_url: 'https://gitlab.example.com/group/p.git',
      correlation_id: '2b3abaa7245e47c1a6e76e0215ec8c53',
    });
    expect(signOf(received)).toEqual({ kind: 'job-received', jobId: 10 });
    expect(readRunnerLogLine(received).fields).toEqual({
      job: 10,
      repo_url: 'https://gitlab.example.com/group/p.git',
      correlation_id: '2b3abaa7245e47c1a6e76e0215ec8c53',
    });
  });

  it('tells that a job succeeded', () => {
    expect(signOf(line('info', 'Job succeeded', { job: 10, 'job-status': 'success', duration_s: 0.06 }))).toEqual({
      kind: 'job-ended',
      succeeded: true,
      failureReason: null,
      exitCode: null,
    });
  });

  it.each([
    ['a failed script', 'Job failed: exit status 3', { failure_reason: 'script_failure', exit_code: 3 }, 3],
    [
      'an interrupted job',
      'Job failed: aborted: terminated',
      { failure_reason: 'runner_interrupted', exit_code: 0 },
      null,
    ],
    [
      'a job that took too long',
      'Job failed: execution took longer than 5s seconds',
      { failure_reason: 'job_execution_timeout', exit_code: 0 },
      null,
    ],
    ['a canceled job', 'Job failed: canceled', { failure_reason: 'job_canceled', exit_code: 0 }, null],
  ])('tells of %s', (_what, msg, fields, exitCode) => {
    expect(signOf(line('warning', msg, { job: 10, 'job-status': 'failed', ...fields }))).toEqual({
      kind: 'job-ended',
      succeeded: false,
      failureReason: fields.failure_reason,
      exitCode,
    });
  });

  it.each([
    ['...ok', 'running', { kind: 'update-answered', answer: 'ok', jobStatus: 'running' }],
    ['... job failed', 'canceled', { kind: 'update-answered', answer: 'refused', jobStatus: 'canceled' }],
    ['... not found', '', { kind: 'update-answered', answer: 'refused', jobStatus: '' }],
    ['...accepted, but not yet completed', '', { kind: 'update-answered', answer: 'open', jobStatus: '' }],
    ['... failed', '', { kind: 'update-answered', answer: 'open', jobStatus: '' }],
    ['...trace validation failed', '', { kind: 'other' }],
  ])('reads GitLab’s answer "%s" to an update (status "%s")', (answer, status, sign) => {
    expect(signOf(line('info', `Submitting job to coordinator${answer}`, { job: 10, 'job-status': status }))).toEqual(
      sign,
    );
  });

  it('tells that GitLab refuses the runner', () => {
    expect(signOf(line('info', 'Runner is not healthy!'))).toEqual({ kind: 'not-healthy' });
    expect(signOf(line('error', 'Checking for jobs... forbidden', { status: 'POST …: 403 Forbidden' }))).toEqual({
      kind: 'trouble',
      detail: 'Checking for jobs... forbidden: POST …: 403 Forbidden',
    });
  });

  it('keeps a panic, which is not JSON, as a line of its own', () => {
    expect(readRunnerLogLine('panic: runtime error: invalid memory address')).toEqual({
      level: 'warn',
      message: 'panic: runtime error: invalid memory address',
      fields: {},
      sign: { kind: 'trouble', detail: 'panic: runtime error: invalid memory address' },
    });
    expect(signOf('"a JSON text that is no object"').kind).toBe('trouble');
    expect(signOf('').kind).toBe('trouble');
  });

  it('gives levels our names', () => {
    const levels = ['info', 'warning', 'error', 'fatal', 'debug'].map(
      (level) => readRunnerLogLine(line(level, 'x')).level,
    );
    expect(levels).toEqual(['info', 'warn', 'error', 'error', 'info']);
  });
});
