import { describe, expect, it } from 'vitest';
import { judgeLaunchError } from '../../../../autoscaler/runner-types/ec2/launch-errors.ts';

describe('judgeLaunchError', () => {
  it.each([
    'InsufficientInstanceCapacity',
    'InsufficientCapacity',
    'InsufficientCapacityOnHost',
    'UnfulfillableCapacity',
    'SpotMaxPriceTooLow',
    'Unsupported',
    'InsufficientFreeAddressesInSubnet',
    'MaxSpotInstanceCountExceeded',
    'VcpuLimitExceeded',
    'MaxFleetCountExceeded',
    'TargetCapacityLimitExceeded',
    'TargetCapacityLimitExceededException',
    'InstanceLimitExceeded',
  ])('%s means that another pool, or on-demand capacity, may have room', (code) => {
    expect(judgeLaunchError(code)).toBe('no-capacity');
  });

  it.each([
    'RequestLimitExceeded',
    'EC2ThrottledException',
    'Throttling',
    'ThrottlingException',
    'ThrottledException',
    'InternalError',
    'ServiceUnavailable',
    'Unavailable',
  ])('%s means to ask again later', (code) => {
    expect(judgeLaunchError(code)).toBe('throttled');
  });

  it.each([
    'UnauthorizedOperation',
    'AuthFailure.ServiceLinkedRoleCreationNotPermitted',
    'InvalidLaunchTemplateId.NotFound',
    'InvalidAMIID.NotFound',
    'InvalidParameterValue',
    'IdempotentParameterMismatch',
    'insufficientinstancecapacity',
    '',
  ])('"%s" is for a person to mend', (code) => {
    expect(judgeLaunchError(code)).toBe('permanent');
  });
});
