import { describe, expect, it } from 'vitest';
import { deadLetterOf, eventOf } from '../../../helper-scripts/cli/dead-letter.ts';
import { finishedJob, pendingJob, runningJob } from '../../support/builders.ts';

describe('the event of a dead letter that holds a detail alone', () => {
  it.each([
    ['Job Pending', pendingJob()],
    ['Job Pending', pendingJob({ status: 'created' })],
    ['Job Pending', runningJob({ runnerId: null })],
    ['Job Running', runningJob({ runnerId: 9 })],
    ['Job Finished', finishedJob({ status: 'canceled' })],
  ])('is %s, as the hook was told: %o', (type, event) => {
    const body = JSON.stringify(event);
    expect(eventOf(body)).toMatchObject({ type, detail: body });
    expect(deadLetterOf('events', { Body: body })).toMatchObject({ kind: type, job: '7/1' });
  });

  it('is none where the detail is of nothing that we know', () => {
    expect(eventOf('{"status":"canceling"}')).toBeNull();
    expect(eventOf('not JSON')).toBeNull();
  });
});
