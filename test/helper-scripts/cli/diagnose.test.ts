import { describe, expect, it } from 'vitest';
import { type InvalidMapping, readMapping } from '../../../autoscaler/job-mappings/job-mapping.ts';
import type { RunnerItem } from '../../../autoscaler/runner-store/runner-item.ts';
import { diagnose, type SeenDeployment } from '../../../helper-scripts/cli/diagnose.ts';
import { defineDeployment } from '../../../infrastructure/deployment/deployment.ts';
import { jobMapping, pendingJob, runnerItem, testStart } from '../../support/builders.ts';

const now = testStart + 60 * 60_000;
const healthy: SeenDeployment = {
  rows: [jobMapping()],
  configured: defineDeployment({ profiles: { default: { type: 'EC2' }, shell: { type: 'LAMBDA' } } }),
  quotas: {
    functions: { value: { applied: 1_000, unreserved: 1_000 } },
    spotCpus: { value: 640 },
    onDemandCpus: { value: 640 },
  },
  taken: new Map(),
  holdOf: () => undefined,
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
      runnerItem({ jobId: 1, state: 'FAILED', attempt: 4, excusedAttempts: 1, failure: 'HostGone: none' }),
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
    expect(findings[0]?.wrong).toBe('has no runner after 3 attempts: HostGone: none');
    expect(findings[0]?.remedy).toContain('"retry 7/1"');
    expect(findings[1]?.wrong).toMatch(/for a place: maxConcurrent of the deployment \(at most 2\)$/);
  });

  it('names jobs on runners of another profile than theirs, and how they are kept apart', () => {
    const place = { type: 'EC2', profile: 'default', mapping: 'job#* tags#' } as const;
    const on = (jobId: number, changes: Partial<RunnerItem>) =>
      runnerItem({ jobId, type: 'LAMBDA', profile: 'shell', state: 'RUNNING', jobState: 'RUNNING', ...changes });
    const live = [
      on(1, { misplaced: { job: 'job#7#11', ...place } }),
      on(2, { misplaced: { job: 'job#8#12', ...place } }),
      on(3, { misplaced: { job: 'job#7#13', type: 'IGNORE', profile: null, mapping: null } }),
      on(4, { takenJob: 'job#7#14' }),
    ];
    expect(wrongOf({ live })).toEqual([
      '2 jobs (7/11, 8/12) run on LAMBDA shell, and should run on EC2 default',
      'job 7/13 runs on LAMBDA shell, and should run on runners that are not ours',
    ]);
    expect(diagnose({ ...healthy, live }, now)[0]?.remedy).toContain('tags of their own');
  });

  it('says of a job with attempts left that the next one comes', () => {
    const live = [runnerItem({ state: 'FAILED', attempt: 1, failure: 'HostGone: none' })];
    const [finding] = diagnose({ ...healthy, live }, now);
    expect(finding).toMatchObject({ wrong: 'has no runner after attempt 1 of 3: HostGone: none' });
    expect(finding?.remedy).toContain('by itself');
  });

  it('names the cap that is full, and the quota behind it', () => {
    const caps = [
      { counter: 'cap#profile#shell', limit: 9 },
      { counter: 'cap#lambda', limit: 5 },
    ];
    const live = [1, 2, 3, 4].map((jobId) => runnerItem({ jobId, state: 'WAITING', type: 'LAMBDA', caps }));
    const taken = new Map([
      ['cap#profile#shell', 5],
      ['cap#lambda', 5],
    ]);
    expect(diagnose({ ...healthy, live, taken }, now)).toEqual([
      {
        what: '4 jobs (7/1, 7/2, 7/3, ...)',
        wrong: 'have waited for 60 min for a place: what the account’s Lambda quota leaves to jobs (5 of 5)',
        remedy: expect.stringContaining('Concurrent executions'),
      },
    ]);
  });

  it('says once why jobs wait although there is a place, since when, and what to do', () => {
    const waits = (jobId: number, error: string, message: string, secondsAgo: number) =>
      runnerItem({
        jobId,
        state: 'WAITING',
        waitsFor: {
          error,
          message,
          since: new Date(now - secondsAgo * 1_000).toISOString(),
          lookAt: new Date(now + 15_000).toISOString(),
          looks: 5,
        },
      });
    const live = [
      waits(1, 'GitLabRefusedError', '401 Unauthorized', 60),
      waits(2, 'GitLabRefusedError', '401 Unauthorized', 300),
      waits(3, 'MappingNotAllowedError', 'mapping "a" asks for the EC2 runner "huge"', 30),
    ];
    expect(diagnose({ ...healthy, live }, now)).toEqual([
      {
        what: '2 jobs (7/2, 7/1)',
        wrong: 'wait since 5 min: GitLab refuses: GitLabRefusedError: 401 Unauthorized (looked 5 times, again in 15 s)',
        remedy: expect.stringMatching(/"secret gitlab-token"; "retry 7\/2" looks at once$/),
      },
      {
        what: 'job 7/3 (build)',
        wrong: expect.stringContaining('its mapping names what was not deployed'),
        remedy: expect.stringContaining('"mapping put"'),
      },
    ]);
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
      jobMapping({ id: 'of another type', target: { type: 'LAMBDA', profile: 'default' } }),
      jobMapping({ id: 'fine', target: { type: 'LAMBDA', profile: 'shell' } }),
      jobMapping({ id: 'an ARN', target: { type: 'LAMBDA', profile: 'arn:aws:lambda:eu-west-1:1:function:f' } }),
      jobMapping({ id: 'ignored', target: { type: 'IGNORE' } }),
    ];
    expect(wrongOf({ rows })).toEqual([
      expect.stringMatching(/^mapping job#x tags# is skipped: type: must be LAMBDA, EC2 or IGNORE$/),
      expect.stringContaining('mapping unknown names the EC2 profile "huge"'),
      expect.stringContaining('mapping of another type names the LAMBDA profile "default"'),
    ]);
  });

  it('names rows whose fallback is not there, takes only some of their jobs, or is no other', () => {
    const fallingBackTo = (fallbackProfile: string, changes = {}) =>
      jobMapping({ id: fallbackProfile, target: { type: 'LAMBDA', profile: 'shell', fallbackProfile }, ...changes });
    const deploy = { type: 'EC2', accessLevel: 'ref_protected' } as const;
    const profiles = { default: { type: 'EC2' }, shell: { type: 'LAMBDA' }, deploy } as const;
    const configured = defineDeployment({ profiles });
    const rows = ['default', 'huge', 'deploy', 'shell'].map((name) => fallingBackTo(name));
    expect(wrongOf({ rows, configured })).toEqual([
      'mapping huge falls back to the profile "huge", which the configuration has not',
      expect.stringMatching(/^mapping deploy falls back .* for protected branches and tags alone/),
      'mapping shell falls back to "shell", where its jobs run anyway',
    ]);
    expect(wrongOf({ rows: [fallingBackTo('deploy', { isProtected: true })], configured })).toEqual([]);
    const byArn = { type: 'LAMBDA', profile: 'arn:aws:lambda:x', fallbackProfile: 'huge' } as const;
    expect(wrongOf({ rows: [jobMapping({ target: byArn })], configured })).toHaveLength(1);
  });

  it('judges no profile without a configuration', () => {
    const rows = [jobMapping({ target: { type: 'EC2', profile: 'huge' } })];
    expect(diagnose({ ...healthy, rows, configured: null }, now)).toEqual([]);
  });
});
