import { describe, expect, it } from 'vitest';
import { createLog } from '../../../../infrastructure/kit/lambda/log.ts';

function recording() {
  const lines: string[] = [];
  const log = createLog(
    (line) => lines.push(line),
    () => Date.parse('2030-01-01T00:00:00.000Z'),
    {},
    'ci',
  );
  return { log, lines, parsed: () => lines.map((line) => JSON.parse(line)) };
}

describe('the log', () => {
  it('is one JSON line for each event, with time, level and message', () => {
    const { log, lines, parsed } = recording();
    log.info('one', { jobId: 1 });
    log.warn('two\nlines');
    log.error('three');
    expect(parsed()).toEqual([
      { time: '2030-01-01T00:00:00.000Z', level: 'info', message: 'one', jobId: 1 },
      { time: '2030-01-01T00:00:00.000Z', level: 'warn', message: 'two\nlines' },
      { time: '2030-01-01T00:00:00.000Z', level: 'error', message: 'three' },
    ]);
    expect(lines.every((line) => !line.includes('\n'))).toBe(true);
  });

  it('carries fields on to every line, and only to those of the logger that was given them', () => {
    const { log, parsed } = recording();
    const jobLog = log.with({ projectId: 7 }).with({ jobId: 1 });
    jobLog.info('of the job', { jobId: 2 });
    log.info('of nobody');
    expect(parsed()).toMatchObject([{ projectId: 7, jobId: 2 }, { message: 'of nobody' }]);
    expect(parsed()[1]).not.toHaveProperty('projectId');
  });

  it('tells errors with name, message, stack and cause, wherever they stand', () => {
    const { log, parsed } = recording();
    const cause = new TypeError('inner');
    log.error('failed', { error: new Error('outer', { cause }), list: [{ again: cause }] });
    expect(parsed()).toMatchObject([
      {
        error: {
          name: 'Error',
          message: 'outer',
          stack: expect.stringContaining('log.test.ts'),
          cause: { message: 'inner' },
        },
        list: [{ again: { name: 'TypeError' } }],
      },
    ]);
  });

  it('keeps the name of an error class of ours', () => {
    class JobGoneError extends Error {
      override readonly name = 'JobGoneError';
    }
    const { log, parsed } = recording();
    log.error('failed', { error: new JobGoneError('x') });
    expect(parsed()).toMatchObject([{ error: { name: 'JobGoneError' } }]);
  });

  it('counts for CloudWatch in the line itself, as a metric of its deployment', () => {
    const { log, parsed } = recording();
    log.with({ jobId: 1 }).count({ AttemptsFailed: 1, JobsGivenUp: 2 }, 'given up', { attempt: 3 });
    expect(parsed()).toEqual([
      {
        time: '2030-01-01T00:00:00.000Z',
        level: 'error',
        message: 'given up',
        jobId: 1,
        attempt: 3,
        deployment: 'ci',
        AttemptsFailed: 1,
        JobsGivenUp: 2,
        _aws: {
          Timestamp: Date.parse('2030-01-01T00:00:00.000Z'),
          CloudWatchMetrics: [
            {
              Namespace: 'GitLabRunnersOnDemand',
              Dimensions: [['deployment']],
              Metrics: [
                { Name: 'AttemptsFailed', Unit: 'Count' },
                { Name: 'JobsGivenUp', Unit: 'Count' },
              ],
            },
          ],
        },
      },
    ]);
  });

  it('counts what nobody need look at in a line of information', () => {
    const { log, parsed } = recording();
    log.measure({ OldestWaitSeconds: 70 }, 'a job waits', { held: [] });
    expect(parsed()).toMatchObject([
      {
        level: 'info',
        message: 'a job waits',
        held: [],
        deployment: 'ci',
        OldestWaitSeconds: 70,
        _aws: { CloudWatchMetrics: [{ Metrics: [{ Name: 'OldestWaitSeconds' }] }] },
      },
    ]);
  });

  it('leaves out what is undefined', () => {
    const { log, parsed } = recording();
    log.info('x', { state: undefined });
    expect(parsed()[0]).not.toHaveProperty('state');
  });
});
