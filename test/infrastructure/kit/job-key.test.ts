import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { jobKeyOf, parseJobKey } from '../../../infrastructure/kit/job-key.ts';

describe('the key of a job', () => {
  it('names project and job, and is read back', () => {
    expect(jobKeyOf({ projectId: 7, jobId: 1 })).toBe('job#7#1');
    fc.assert(
      fc.property(fc.maxSafeNat(), fc.maxSafeNat(), (projectId, jobId) => {
        expect(parseJobKey(jobKeyOf({ projectId, jobId }))).toEqual({ projectId, jobId });
      }),
    );
  });

  it.each(['', 'job#7', 'job#7#1#2', 'job#a#1', 'job#*', ' job#7#1', 'job#7#1\n', 'job#-7#1', 'cap#deployment'])(
    'is not seen in "%s"',
    (text) => {
      expect(parseJobKey(text)).toBeNull();
    },
  );
});
