import { describe, expect, it } from 'vitest';
import { abandonRunnerInput } from '../../../../autoscaler/start-runner/start-runner-input.ts';
import { awsErrors, gitlabErrors } from '../../../../lambda-shell-runner/exports.ts';
import * as runnerErrors from '../../../../lambda-shell-runner/runner-errors.ts';
import { invocationFailure } from '../../../support/builders.ts';

const read = (changes: Parameters<typeof invocationFailure>[0]) => abandonRunnerInput.parse(invocationFailure(changes));

describe('what Lambda tells of a runner’s function', () => {
  it('names the attempt, and gives the function’s own words', () => {
    const responsePayload = { errorType: 'RunnerCrashedError', errorMessage: 'gitlab-runner ended', trace: ['at x'] };
    expect(read({ responsePayload })).toEqual({
      projectId: 7,
      jobId: 1,
      attempt: 2,
      event: null,
      error: 'LambdaRunnerFailed',
      cause: 'RunnerCrashedError: gitlab-runner ended',
    });
  });

  it.each([
    [
      'a time-out',
      { errorType: 'Sandbox.Timedout', errorMessage: 'RequestId: 1 Error: Task timed out after 9.00 seconds' },
      'Sandbox.Timedout: RequestId: 1 Error: Task timed out after 9.00 seconds',
    ],
    [
      'a process that ended',
      { errorType: 'Runtime.ExitError', errorMessage: 'RequestId: 1 Error: exit status 1' },
      'Runtime.ExitError: RequestId: 1 Error: exit status 1',
    ],
    [
      'an older time-out',
      { errorMessage: '2030-01-01T00:00:00Z 1 Task timed out after 9.00 seconds' },
      '2030-01-01T00:00:00Z 1 Task timed out after 9.00 seconds',
    ],
    ['nothing at all', undefined, 'RetriesExhausted: the function ended without saying why; see its log'],
    ['null', null, 'RetriesExhausted: the function ended without saying why; see its log'],
    ['a text', 'oh no', 'RetriesExhausted: the function ended without saying why; see its log'],
  ])('is a failed attempt with %s', (_what, responsePayload, cause) => {
    expect(read({ responsePayload })).toMatchObject({ error: 'LambdaRunnerFailed', cause });
  });

  it('is no failed attempt when Lambda could not start the function for as long as it keeps an event', () => {
    expect(
      read({ condition: 'EventAgeExceeded', responseContext: undefined, responsePayload: undefined }),
    ).toMatchObject({
      attempt: 2,
      error: 'LambdaRunnerNotStarted',
      cause: expect.stringMatching(/^EventAgeExceeded: Lambda did not start the function: .*concurrency/),
    });
    expect(
      read({
        condition: 'EventAgeExceeded',
        responseContext: { statusCode: 429, executedVersion: '$LATEST' },
        responsePayload: { errorMessage: 'Rate Exceeded.' },
      }),
    ).toMatchObject({ error: 'LambdaRunnerNotStarted', cause: expect.stringMatching(/: Rate Exceeded\.$/) });
  });

  it.each([429, 500, 503])('is none either when Lambda itself answered %d', (statusCode) => {
    const responseContext = { statusCode, functionError: null };
    expect(read({ responseContext, responsePayload: null })).toMatchObject({ error: 'LambdaRunnerNotStarted' });
  });

  it.each(gitlabErrors)('is none when its runner could not ask GitLab: %s', (errorType) => {
    expect(read({ responsePayload: { errorType, errorMessage: 'connection refused' } })).toMatchObject({
      error: 'LambdaRunnerCutOff',
      cause: `${errorType}: connection refused`,
    });
  });

  it.each(awsErrors)('is none when AWS did not give it what its runner needs: %s', (errorType) => {
    expect(read({ responsePayload: { errorType, errorMessage: 'throttled' } })).toMatchObject({
      error: 'LambdaRunnerNotStarted',
      cause: `${errorType}: throttled`,
    });
  });

  it('knows the functions’ errors by the names that they have', () => {
    expect(Object.keys(runnerErrors)).toEqual(expect.arrayContaining([...gitlabErrors, ...awsErrors]));
  });
});

it('what our own workflows tell of a failed attempt stays as it is', () => {
  const failed = { projectId: 7, jobId: 1, attempt: null, event: null, error: 'X', cause: 'y' };
  expect(abandonRunnerInput.parse(failed)).toEqual(failed);
  expect(() => abandonRunnerInput.parse({ ...failed, attempt: 'one' })).toThrow();
});
