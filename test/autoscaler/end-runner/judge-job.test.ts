import { describe, expect, it } from 'vitest';
import { type JobEnd, judgeJob } from '../../../autoscaler/end-runner/judge-job.ts';

const announced = '2030-01-01T00:02:00Z';
const judge = (job: Partial<JobEnd>, seen: Partial<Parameters<typeof judgeJob>[1]> = {}) =>
  judgeJob(
    { status: 'failed', failureReason: 'runner_interrupted', finishedAt: '2030-01-01T00:02:03Z', ...job },
    { hostGone: false, interruptedAt: announced, canceledByUs: false, ...seen },
  );

describe('the job of an interrupted runner', () => {
  it.each([
    ...['runner_interrupted', 'runner_system_failure', 'unknown_failure', 'no_updates_running'],
    // Its host took docker away from a runner that pulled its image.
    ...['image_pull_failure', 'runner_external_dependency_failure'],
  ])('was interrupted when it failed after the warning as "%s"', (failureReason) => {
    expect(judge({ failureReason })).toEqual({ cancel: false, interrupted: true });
  });

  it.each(['script_failure', 'job_execution_timeout', 'runner_configuration_error', null])(
    'failed by its own doing as "%s", though the warning had come',
    (failureReason) => {
      expect(judge({ failureReason })).toEqual({ cancel: false, interrupted: false });
    },
  );

  it('failed for another reason when that was before the warning', () => {
    expect(judge({ finishedAt: '2030-01-01T00:01:00Z' }).interrupted).toBe(false);
    // The host saw the warning a moment before EC2's event was made, or GitLab's clock is behind.
    expect(judge({ finishedAt: '2030-01-01T00:01:55Z' }).interrupted).toBe(true);
  });

  it('was not interrupted when EC2 announced nothing: it may have brought its host down itself', () => {
    expect(judge({}, { interruptedAt: undefined }).interrupted).toBe(false);
    // An image that cannot be had is nobody's interruption.
    expect(judge({ failureReason: 'image_pull_failure' }, { interruptedAt: undefined }).interrupted).toBe(false);
    expect(judge({ status: 'running' }, { interruptedAt: undefined, hostGone: true })).toEqual({
      cancel: true,
      interrupted: false,
    });
  });

  it('has its two minutes while its host lives', () => {
    expect(judge({ status: 'running' })).toEqual({ cancel: false, interrupted: false });
  });

  it('is canceled when its host is gone, since nobody else will end it', () => {
    expect(judge({ status: 'running' }, { hostGone: true })).toEqual({ cancel: true, interrupted: true });
  });

  it('that its user cancels is not brought back, but does not wait for its dead host either', () => {
    expect(judge({ status: 'canceling' }, { hostGone: true })).toEqual({ cancel: true, interrupted: false });
    expect(judge({ status: 'canceled' }, { hostGone: true })).toEqual({ cancel: false, interrupted: false });
  });

  it('that we canceled is brought back, also by whoever goes on after a crash', () => {
    const seen = { hostGone: true, canceledByUs: true };
    expect(judge({ status: 'canceled' }, seen)).toEqual({ cancel: false, interrupted: true });
    expect(judge({ status: 'canceling' }, seen)).toEqual({ cancel: true, interrupted: true });
  });

  it('that succeeded in time is left alone', () => {
    expect(judge({ status: 'success', failureReason: null }, { hostGone: true })).toEqual({
      cancel: false,
      interrupted: false,
    });
  });
});
