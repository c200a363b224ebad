import { describe, expect, it } from 'vitest';
import { runnerTypes } from '../../../autoscaler/job-mappings/job-mapping.ts';
import type { RunnerTypeTraits } from '../../../autoscaler/runner-types/contract/runner-type.ts';
import { ec2Type } from '../../../autoscaler/runner-types/ec2/ec2-type.ts';
import { lambdaType } from '../../../autoscaler/runner-types/lambda/lambda-type.ts';
import { isErrorOfOtherType, traitsOf } from '../../../autoscaler/runner-types/runner-types.ts';

/** What every type of runners must do. Its faults in words; none for one that keeps the contract. */
function faultsOf(type: RunnerTypeTraits): readonly string[] {
  let ids = 0;
  const randomId = () => `random-${++ids}`;
  const ticketOf = (jobId: number, profile = 'one') => type.ticketIdOf({ job: `job#7#${jobId}`, profile, randomId });
  const { launch, service, job } = type.longest;
  const isWaiting = ticketOf(1) === 'job#7#1';
  const [once, again] = [ticketOf(1), ticketOf(1)];
  const twoMinutes = 2 * 60;
  return [
    ...(ticketOf(1) === ticketOf(2) ? ['two jobs have one ticket'] : []),
    ...(!isWaiting && once === again ? ['the ticket of a host can be guessed'] : []),
    ...(!isWaiting && !ticketOf(1, 'other').includes('other') ? ['tickets of profiles are not apart'] : []),
    ...(launch < twoMinutes || service < twoMinutes ? ['a runner is taken for dead while it starts'] : []),
    ...(type.launch === 'requested' && job(3_600) < 3_600 ? ['a runner is taken for dead while its job may run'] : []),
    ...(job(60) < 60 ? ['a short job is too long'] : []),
    ...(type.neverStarted !== null && !type.ownErrors.includes(type.neverStarted)
      ? ['an error of its own is not among those']
      : []),
  ];
}

describe.each([ec2Type, lambdaType])('runners of type $name', (type) => {
  it('keep what is promised for every type', () => {
    expect(faultsOf(type)).toEqual([]);
  });

  it('are found by their name', () => {
    expect(traitsOf({ type: type.name })).toBe(type);
  });
});

describe('the contract of runner types', () => {
  it('is kept by a type that was never there before', () => {
    const fake: RunnerTypeTraits = {
      ...lambdaType,
      ticketIdOf: ({ profile, randomId }) => `vm#${profile}#${randomId()}`,
      ownErrors: ['VmGone'],
      neverStarted: null,
    };
    expect(faultsOf(fake)).toEqual([]);
  });

  it('is not kept by one whose tickets can be guessed, or whose jobs have no time', () => {
    const careless: RunnerTypeTraits = {
      ...ec2Type,
      ticketIdOf: ({ profile }) => `vm#${profile}`,
      neverStarted: 'VmGone',
      longest: { launch: 10, service: 600, job: () => 30 },
    };
    expect(faultsOf(careless)).toEqual([
      'two jobs have one ticket',
      'the ticket of a host can be guessed',
      'a runner is taken for dead while it starts',
      'a runner is taken for dead while its job may run',
      'a short job is too long',
      'an error of its own is not among those',
    ]);
  });

  it('has an entry for each type that mappings know', () => {
    expect(runnerTypes.map((type) => traitsOf({ type }).name)).toEqual([...runnerTypes]);
  });

  it('lets no type be told of errors that only another one has', () => {
    expect(isErrorOfOtherType('LambdaRunnerFailed', { type: 'EC2' })).toBe(true);
    expect(isErrorOfOtherType('LambdaRunnerFailed', { type: 'LAMBDA' })).toBe(false);
    expect(isErrorOfOtherType('HostUnused', { type: 'EC2' })).toBe(false);
  });

  it('has the times that the reconciler waits', () => {
    const times = [ec2Type, lambdaType].map(({ longest }) => [longest.launch, longest.service, longest.job(600)]);
    expect(times).toEqual([
      [1_800, 600, 1_800],
      [300, 420, 960],
    ]);
  });
});
