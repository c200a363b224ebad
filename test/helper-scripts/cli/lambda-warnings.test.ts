import { describe, expect, it } from 'vitest';
import { targetText } from '../../../helper-scripts/cli/explanation-text.ts';
import { lambdaWarnings } from '../../../helper-scripts/cli/lambda-warnings.ts';
import { jobMapping } from '../../support/builders.ts';

describe('what is said of a job that goes to a function', () => {
  const shell = { type: 'LAMBDA', profile: 'shell' } as const;

  it('is that there is no docker, that it may not last long, and that it has no second place to go', () => {
    expect(lambdaWarnings(jobMapping({ target: shell }))).toEqual([
      expect.stringMatching(/"image:" and "services:".*EC2 profile/),
      expect.stringMatching(/ended after the profile's timeoutMinutes, which are 13 at most/),
      expect.stringContaining('without fallbackProfile'),
    ]);
  });

  it('is that the time of its row is more than a function has', () => {
    expect(lambdaWarnings(jobMapping({ target: shell, timeoutMinutes: 60 }))).toContainEqual(
      expect.stringMatching(/^timeoutMinutes is 60, and a job on a function lasts 13 minutes at most/),
    );
  });

  it('is not that it has no second place, when its row names one', () => {
    const mapping = jobMapping({ target: { ...shell, fallbackProfile: 'large' } });
    expect(lambdaWarnings(mapping)).toHaveLength(2);
    expect(targetText(mapping)).toBe('LAMBDA shell, then large');
  });

  it('is nothing when it goes elsewhere', () => {
    expect(lambdaWarnings(jobMapping({ timeoutMinutes: 600 }))).toEqual([]);
    expect(lambdaWarnings(jobMapping({ target: { type: 'IGNORE' } }))).toEqual([]);
  });
});
