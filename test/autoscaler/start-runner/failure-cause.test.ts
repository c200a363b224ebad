import { describe, expect, it } from 'vitest';
import { readFailureCause } from '../../../autoscaler/start-runner/failure-cause.ts';

describe('the cause of a failure, as people read it', () => {
  it('is the message of a Lambda’s error, without its trace', () => {
    const cause = { errorType: 'NoCapacityError', errorMessage: 'no capacity', trace: ['at launch (index.mjs:1:1)'] };
    expect(readFailureCause(JSON.stringify(cause))).toBe('no capacity');
  });

  it.each(['', 'RetriesExhausted', '{"errorMessage":7}', '{"other":"shape"}', '{ no JSON', '[]', 'null'])(
    'is what it is when it is no such error: %j',
    (cause) => {
      expect(readFailureCause(cause)).toBe(cause);
    },
  );
});
