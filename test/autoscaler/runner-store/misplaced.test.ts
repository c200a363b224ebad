import { describe, expect, it } from 'vitest';
import { misplacementOf, placeOf, placeText } from '../../../autoscaler/runner-store/misplaced.ts';
import type { Place } from '../../../autoscaler/runner-store/runner-item.ts';
import { runnerItem } from '../../support/builders.ts';

const function1 = runnerItem({ jobId: 1, type: 'LAMBDA', profile: 'shell', mapping: 'job#lint tags#' });
const ec2: Place = { type: 'EC2', profile: 'default', mapping: 'job#build tags#' };
const others: Place = { type: 'IGNORE', profile: null, mapping: null };

describe('a job on a runner that was made for another job', () => {
  it('is in the right place where its mapping names the same profile, by whatever row', () => {
    expect(
      misplacementOf(function1, 'job#7#2', { type: 'LAMBDA', profile: 'shell', mapping: 'job#* tags#' }),
    ).toBeNull();
  });

  it('is misplaced where its mapping names another profile, or leaves it to others', () => {
    expect(misplacementOf(function1, 'job#7#2', ec2)).toEqual({ job: 'job#7#2', ...ec2 });
    expect(misplacementOf(function1, 'job#7#2', others)).toEqual({ job: 'job#7#2', ...others });
    const byDefault = runnerItem({ jobId: 1, mapping: null });
    expect(misplacementOf(byDefault, 'job#7#2', others)).toEqual({ job: 'job#7#2', ...others });
  });

  it('is in the right place on the fallback of its own row, whose attempt came before', () => {
    const fallback: Place = { type: 'EC2', profile: 'default', mapping: 'job#lint tags#' };
    expect(misplacementOf(function1, 'job#7#2', fallback)).toBeNull();
  });
});

it('a job on its own runner is never misplaced', () => {
  expect(misplacementOf(function1, 'job#7#1', ec2)).toBeNull();
});

it('a job whose place could not be chosen yet has none', () => {
  expect(placeOf(null)).toBeNull();
  expect(placeOf(runnerItem({ profile: '' }))).toBeNull();
  expect(placeOf(function1)).toEqual({ type: 'LAMBDA', profile: 'shell', mapping: 'job#lint tags#' });
});

it('a place has words', () => {
  expect([ec2, others].map(placeText)).toEqual(['EC2 default', 'runners that are not ours']);
});
