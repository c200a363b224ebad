import { describe, expect, it } from 'vitest';
import { parseJobArgument } from '../../../helper-scripts/cli/job-argument.ts';
import { statusCells, statusDetails } from '../../../helper-scripts/cli/status-text.ts';
import { ageText } from '../../../helper-scripts/cli/time-text.ts';
import { runnerItem } from '../../support/builders.ts';

const now = Date.parse('2030-01-01T01:00:02.000Z');

describe('a runner in words', () => {
  it('is a row with its job, host and age', () => {
    const item = runnerItem({ jobId: 5, state: 'RUNNING', instanceId: 'i-0123456789abcdef0', failure: 'line\nbreak' });
    expect(statusCells(item, now)).toEqual([
      '7/5',
      'build',
      'RUNNING',
      'EC2',
      'default',
      '1',
      'i-0123456789abcdef0',
      '60 min',
      'line\\nbreak',
    ]);
  });

  it('names the function where there is no instance', () => {
    const functionArn = 'arn:aws:lambda:eu-west-1:123456789012:function:shell';
    expect(statusCells(runnerItem({ type: 'LAMBDA', functionArn }), now)).toContain('shell');
  });

  it('says which job it has in the place of another, and where that should run', () => {
    const misplaced = { job: 'job#7#9', type: 'LAMBDA', profile: 'shell', mapping: 'job#lint tags#' } as const;
    const item = runnerItem({ jobId: 5, state: 'RUNNING', takenJob: 'job#7#9', misplaced });
    const said =
      'job 7/9 took it, and should run on LAMBDA shell by the mapping "job#lint tags#"; tags of their own keep profiles apart';
    expect(statusCells(item, now).at(-1)).toBe(said);
    expect(new Map(statusDetails(item, now)).get('in the wrong place')).toBe(said);
  });

  it('is all that is known, and no more', () => {
    const details = new Map(
      statusDetails(runnerItem({ registeredAt: '2030-01-01T00:00:03.000Z', takenJob: 'job#7#9', runnerId: 4 }), now),
    );
    expect(details.get('registered')).toBe('2030-01-01T00:00:03.000Z (59 min ago)');
    expect(details.get('pending since')).toBe('2030-01-01T00:00:00.000Z (60 min ago)');
    expect(new Map(statusDetails(runnerItem({ jobState: 'RUNNING' }), now)).has('pending since')).toBe(false);
    expect(details.get('took another job')).toBe('7/9');
    expect(details.get('runner in GitLab')).toBe('4');
    expect(details.has('failure')).toBe(false);
    expect(new Map(statusDetails(runnerItem({ takenJob: 'job#7#1' }), now)).has('took another job')).toBe(false);
  });

  it('says why a job waits, since when, and when it is looked at next', () => {
    const waitsFor = {
      error: 'GitLabRefusedError',
      message: '401',
      since: '2030-01-01T00:59:02.000Z',
      lookAt: '2030-01-01T01:00:22.000Z',
      looks: 2,
    };
    const item = runnerItem({ state: 'WAITING', waitsFor, attempt: 3, excusedAttempts: 2 });
    expect(statusCells(item, now).at(-1)).toMatch(/^GitLab refuses: GitLabRefusedError: 401 \(since 60 s; /);
    const details = new Map(statusDetails(item, now));
    expect(details.get('waits because')).toBe('GitLab refuses: GitLabRefusedError: 401');
    expect(details.get('waits since')).toBe('2030-01-01T00:59:02.000Z (60 s ago)');
    expect(details.get('next look')).toBe('2030-01-01T01:00:22.000Z (looked 2 times, again in 20 s)');
    expect(details.get('what to do')).toMatch(/"secret gitlab-token"; "retry 7\/1" looks at once$/);
    expect(details.get('attempt')).toBe('3, of which 1 counts');
  });

  it('says under which caps there is no place', () => {
    const item = runnerItem({ state: 'WAITING', caps: [{ counter: 'cap#profile#default', limit: 2 }] });
    const taken = new Map([['cap#profile#default', 2]]);
    expect(new Map(statusDetails(item, now, taken)).get('waits for a place')).toBe(
      'maxConcurrent of the profile default (2 of 2)',
    );
    const waitedFor = { error: 'GitLabRefusedError', message: '401', since: '', lookAt: '', looks: 3 };
    const before = new Map(statusDetails({ ...item, waitedFor }, now, taken)).get('waited before because');
    expect(before).toContain('GitLabRefusedError: 401');
    expect(new Map(statusDetails(item, now, taken)).has('waited before because')).toBe(false);
  });

  it('says what brings a job back that was given up', () => {
    const item = runnerItem({ state: 'FAILED', attempt: 3, failure: 'HostGone: none' });
    expect(new Map(statusDetails(item, now)).get('what to do')).toContain('"retry 7/1"');
  });

  it.each([
    [-5, '0 s'],
    [119_400, '119 s'],
    [120_000, '2 min'],
    [7_200_000, '2 h'],
    [172_800_000, '2 d'],
  ])('is %i ms old: %s', (milliseconds, text) => {
    expect(ageText(milliseconds)).toBe(text);
  });
});

describe('a job is named', () => {
  it.each([
    ['1977', { jobId: 1977, project: null }],
    ['380/1977', { jobId: 1977, project: '380' }],
    ['group/app/1977', { jobId: 1977, project: 'group/app' }],
    ['#1977', { jobId: 1977, project: null }],
  ])('by "%s"', (text, job) => {
    expect(parseJobArgument(text)).toEqual(job);
  });

  it.each(['', 'build', 'group/app', '1.5', '99999999999999999999'])('not by "%s"', (text) => {
    expect(() => parseJobArgument(text)).toThrow(/is no job/);
  });
});
