/** What to do about an error code of EC2. */
export type LaunchVerdict = 'no-capacity' | 'throttled' | 'permanent';

/** This pool, or spot as a whole, has nothing for us now: take another pool, or on-demand capacity. */
const capacityCodes = [
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
];

const throttleCodes = [
  'RequestLimitExceeded',
  'EC2ThrottledException',
  'InternalError',
  'ServiceUnavailable',
  'Unavailable',
];

/** EC2 refuses for a reason that only a person can change: permissions, a parameter. The message says which. */
export class PermanentLaunchError extends Error {
  override readonly name = 'PermanentLaunchError';
}

/** None of the profile's pools had capacity for as long as we tried. */
export class NoCapacityError extends Error {
  override readonly name = 'NoCapacityError';
}

/** EC2 asks to slow down, or has a passing trouble of its own. */
export class LaunchThrottledError extends Error {
  override readonly name = 'LaunchThrottledError';
}

/** Sorts EC2's error codes, from exceptions and from `Errors[]` in a fleet's answer alike. Source: karpenter's and AWS's lists. */
export function judgeLaunchError(code: string): LaunchVerdict {
  if (capacityCodes.includes(code)) return 'no-capacity';
  if (throttleCodes.includes(code) || code.startsWith('Throttl')) return 'throttled';
  return 'permanent';
}
