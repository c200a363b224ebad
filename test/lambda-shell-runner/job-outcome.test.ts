import { describe, expect, it } from 'vitest';
import { outcomeOf } from '../../lambda-shell-runner/job-outcome.ts';
import { type RunnerDoings, untouchedRunner } from '../../lambda-shell-runner/runner-deadlines.ts';
import { GitLabUnreachableError, RunnerCrashedError } from '../../lambda-shell-runner/runner-errors.ts';
import { untoldStory } from '../../lambda-shell-runner/runner-story.ts';
import { stories } from './runner-stories.ts';

function doings(changes: Partial<RunnerDoings> = {}): RunnerDoings {
  return { ...untouchedRunner, exited: true, ...changes };
}

const exited = { code: 0, signal: null };
const killed = { code: null, signal: 'SIGKILL' };

describe('the outcome of an execution', () => {
  it('is what became of the job', () => {
    expect(outcomeOf(stories.succeededAndReported, doings(), exited)).toEqual({
      outcome: 'job-succeeded',
      takenJobId: 10,
      reported: true,
    });
    expect(outcomeOf(stories.failedAndReported, doings(), exited)).toEqual({
      outcome: 'job-failed',
      takenJobId: 10,
      reported: true,
      failureReason: 'script_failure',
      exitCode: 3,
    });
  });

  it('says what to do when there was no job because GitLab is not trusted', () => {
    const trouble =
      'Checking for jobs... failed: execute JSON request: tls: failed to verify certificate: x509: certificate signed by unknown authority';
    const story = { ...untoldStory, configRead: true, trouble };
    expect(() => outcomeOf(story, doings({ removed: { because: 'no-job' } }), exited)).toThrow(
      /unknown authority; put .* into gitlab\.caCertificates/,
    );
  });

  it('says when GitLab was not told the result', () => {
    expect(outcomeOf(stories.succeeded, doings(), exited)).toEqual({
      outcome: 'job-succeeded',
      takenJobId: 10,
      reported: false,
    });
  });

  it('is out of time when the deadline ended a job, whether or not it could be reported', () => {
    const atDeadline = doings({ interrupted: { at: 0, because: 'out-of-time' } });
    expect(outcomeOf(stories.interruptedAndReported, atDeadline, exited)).toEqual({
      outcome: 'out-of-time',
      takenJobId: 10,
      reported: true,
      failureReason: 'runner_interrupted',
    });
    expect(outcomeOf(stories.running, atDeadline, killed)).toEqual({
      outcome: 'out-of-time',
      takenJobId: 10,
      reported: false,
    });
  });

  it('is still a success when the job was done before the deadline came', () => {
    const late = doings({ interrupted: { at: 0, because: 'out-of-time' } });
    expect(outcomeOf(stories.succeededAndReported, late, exited).outcome).toBe('job-succeeded');
  });

  const withdrawn = ['canceledBeforeStart', 'cancelingBeforeStart', 'goneBeforeStart'] as const;
  it.each(withdrawn)('is a failed job when it was %s', (name) => {
    expect(outcomeOf(stories[name], doings({ removed: { because: 'job-withdrawn' } }), exited)).toEqual({
      outcome: 'job-failed',
      takenJobId: 10,
      reported: true,
      failureReason: 'canceled_before_start',
    });
  });

  it('is an unreported failure when gitlab-runner died under its job', () => {
    expect(outcomeOf(stories.running, doings(), killed)).toEqual({
      outcome: 'job-failed',
      takenJobId: 10,
      reported: false,
      failureReason: 'runner_ended',
    });
  });

  it('is no job when GitLab had none', () => {
    expect(outcomeOf(stories.idle, doings(), exited)).toEqual({ outcome: 'no-job' });
  });

  const request = 'POST https://gitlab.example.com/api/v4/jobs/request';
  const askedInVain = (status: string) => ({
    ...untoldStory,
    configRead: true,
    trouble: `Checking for jobs... failed: ${status}`,
  });

  it.each([
    'execute JSON request: execute request: connect: connection refused',
    'response is not application/json: server should return application/json. Got: text/html',
    `${request}: 500 Internal Server Error (500 Forbidden)`,
    `${request}: 429 Too Many Requests`,
    `${request}: 409 Conflict`,
  ])('is an error when there was no job because GitLab did not answer: %s', (status) => {
    const outcome = () => outcomeOf(askedInVain(status), doings({ removed: { because: 'no-job' } }), exited);
    expect(outcome).toThrow(GitLabUnreachableError);
    expect(outcome).toThrow(`Checking for jobs... failed: ${status}`);
  });

  it('is an error also when GitLab says itself that it is away', () => {
    const trouble = `Checking for jobs... GitLab instance currently unavailable: ${request}: 503 Service Unavailable (503)`;
    const outcome = () => outcomeOf({ ...untoldStory, configRead: true, trouble }, doings(), exited);
    expect(outcome).toThrow(GitLabUnreachableError);
  });

  it('is no job, with its reason, when GitLab’s answer was that it does not know the runner', () => {
    const detail = `Checking for jobs... failed: ${request}: 401 Unauthorized`;
    expect(outcomeOf(askedInVain(`${request}: 401 Unauthorized`), doings(), exited)).toEqual({
      outcome: 'no-job',
      detail,
    });
  });

  it('tells a runner that GitLab refused from one that we removed ourselves', () => {
    const because = (reason: 'refused' | 'no-job') =>
      doings({ removed: { because: reason }, interrupted: { at: 0, because: reason } });
    expect(outcomeOf(stories.refused, because('refused'), exited).outcome).toBe('runner-refused');
    expect(outcomeOf(stories.refused, because('no-job'), exited).outcome).toBe('no-job');
  });

  it.each([
    ['that never got going', stories.nothing, doings(), { code: 1, signal: null }],
    ['that ended well without having asked', stories.nothing, doings(), exited],
    ['that hung before it asked', stories.nothing, doings({ killedAt: 1 }), killed],
    ['that crashed while it waited', stories.idle, doings(), { code: 2, signal: null }],
    ['that was killed by the system while it waited', stories.idle, doings(), killed],
  ])('is an error for a runner %s, so that the job gets another one', (_what, story, done, exit) => {
    expect(() => outcomeOf(story, done, exit)).toThrow(RunnerCrashedError);
  });

  it('is no error when we killed it while it waited', () => {
    const ended = doings({ removed: { because: 'no-job' }, interrupted: { at: 0, because: 'no-job' }, killedAt: 1 });
    expect(outcomeOf(stories.idle, ended, killed)).toEqual({ outcome: 'no-job' });
  });
});
