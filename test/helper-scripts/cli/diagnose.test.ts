import { describe, expect, it } from 'vitest';
import { type InvalidMapping, readMapping } from '../../../autoscaler/job-mappings/job-mapping.ts';
import { diagnose, type SeenDeployment } from '../../../helper-scripts/cli/diagnose.ts';
import { defineDeployment } from '../../../infrastructure/lib/deployment.ts';
import { jobMapping, pendingJob, runnerItem, testStart } from '../../support/builders.ts';

const now = testStart + 60 * 60_000;
const healthy: SeenDeployment = {
  rows: [jobMapping()],
  profiles: defineDeployment({ profiles: { default: { type: 'EC2' }, shell: { type: 'LAMBDA' } } }).profiles,
  live: [runnerItem({ state: 'RUNNING', jobState: 'RUNNING' })],
  deadLetters: 0,
  lookedForJobsAt: now - 60_000,
  gitlab: null,
  accessToken: null,
};
const wrongOf = (changes: Partial<SeenDeployment>) =>
  diagnose({ ...healthy, ...changes }, now).map(({ what, wrong }) => `${what} ${wrong}`);

describe('the doctor', () => {
  it('finds nothing where nothing is wrong', () => {
    expect(diagnose(healthy, now)).toEqual([]);
  });

  it.each([
    [now - 16 * 60_000, 'the reconciler has not looked for waiting jobs for 16 min'],
    [0, 'the reconciler has not looked for waiting jobs yet'],
  ])('hears that the reconciler is silent: %d', (lookedForJobsAt, expected) => {
    expect(wrongOf({ lookedForJobsAt })).toEqual([expect.stringContaining(expected)]);
  });

  it('says that below a path the access token must have the scope api', () => {
    const scopes = ['create_runner', 'manage_runner', 'read_api'];
    const seen = (gitlab: string, ...more: readonly string[]) =>
      wrongOf({ accessToken: { gitlab, scopes: [...scopes, ...more] } });
    expect(seen('https://example.com/gitlab')).toEqual([expect.stringContaining('lacks the scope api')]);
    expect(seen('https://example.com/gitlab', 'api')).toEqual([]);
    expect(seen('https://gitlab.example.com/')).toEqual([]);
  });

  it('names jobs that get no runner any more, with the reason, and jobs that wait for long', () => {
    const live = [
      runnerItem({ jobId: 1, state: 'FAILED', attempt: 3, failure: 'NoCapacityError: none' }),
      runnerItem({ jobId: 2, state: 'FAILED', jobState: 'FINISHED', failure: 'x' }),
      runnerItem({ jobId: 3, state: 'WAITING', caps: [{ counter: 'cap#deployment', limit: 2 }] }),
      runnerItem({
        state: 'WAITING',
        event: pendingJob({ jobId: 4, occurredAt: new Date(now - 60_000).toISOString() }),
      }),
    ];
    const findings = diagnose({ ...healthy, live }, now);
    expect(findings.map(({ what }) => what)).toEqual([
      expect.stringMatching(/^job 7\/1 /),
      expect.stringMatching(/^job 7\/3 /),
    ]);
    expect(findings[0]?.wrong).toBe('has no runner after attempt 3: NoCapacityError: none');
    expect(findings[1]?.remedy).toContain('deployment <= 2');
  });

  it('says first of all that GitLab’s certificate is not accepted, and what to do', () => {
    const gitlab = { url: 'https://gitlab.example.com', wrong: 'has a certificate', remedy: 'mend it' };
    const [first] = diagnose({ ...healthy, gitlab, lookedForJobsAt: 0 }, now);
    expect(first).toEqual({
      what: 'GitLab (https://gitlab.example.com)',
      wrong: 'has a certificate, as seen from here with what Lambdas trust',
      remedy: 'mend it',
    });
  });

  it('counts dead letters', () => {
    expect(wrongOf({ deadLetters: 3 })).toEqual(['dead letters 3 could not be handled']);
  });

  it('names rows that are skipped, and rows that ask for what the configuration has not', () => {
    const invalid = readMapping({ pk: 'job#x', sk: 'tags#', type: 'TELEPORT' }) as InvalidMapping;
    const rows = [
      invalid,
      jobMapping({ id: 'unknown', target: { type: 'EC2', profile: 'huge' } }),
      jobMapping({ id: 'of another type', target: { type: 'LAMBDA', function: 'default' } }),
      jobMapping({ id: 'fine', target: { type: 'LAMBDA', function: 'shell' } }),
      jobMapping({ id: 'an ARN', target: { type: 'LAMBDA', function: 'arn:aws:lambda:eu-west-1:1:function:f' } }),
      jobMapping({ id: 'ignored', target: { type: 'IGNORE' } }),
    ];
    expect(wrongOf({ rows })).toEqual([
      expect.stringMatching(/^mapping job#x tags# is skipped: type: must be LAMBDA, EC2 or IGNORE$/),
      expect.stringContaining('mapping unknown names the EC2 profile "huge"'),
      expect.stringContaining('mapping of another type names the LAMBDA profile "default"'),
    ]);
  });

  it('judges no profile without a configuration', () => {
    const rows = [jobMapping({ target: { type: 'EC2', profile: 'huge' } })];
    expect(diagnose({ ...healthy, rows, profiles: null }, now)).toEqual([]);
  });
});
