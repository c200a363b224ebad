import { remedyOfVolumeKey } from './state-reason.ts';

/** What to do about an error code of EC2. */
export type LaunchVerdict = 'no-capacity' | 'throttled' | 'permanent';

/** This pool, or spot as a whole, has nothing for us now: take another pool, or on-demand capacity. */
const capacityCodes = [
  'InsufficientInstanceCapacity',
  'InsufficientCapacity',
  'InsufficientCapacityOnHost',
  'InsufficientHostCapacity',
  'InsufficientReservedInstanceCapacity',
  'ReservationCapacityExceeded',
  'UnfulfillableCapacity',
  'SpotMaxPriceTooLow',
  'Unsupported',
  'InsufficientFreeAddressesInSubnet',
];

/**
 * The account may have no more of this now, though it may of the other lifecycle: other pools, and a person should
 * know.
 */
export const quotaCodes = [
  'MaxSpotInstanceCountExceeded',
  'MaxSpotFleetRequestCountExceeded',
  'VcpuLimitExceeded',
  'InstanceLimitExceeded',
  'ResourceLimitExceeded',
  'MaxFleetCountExceeded',
  'TargetCapacityLimitExceeded',
  'TargetCapacityLimitExceededException',
  'VolumeLimitExceeded',
];

const throttleCodes = [
  'RequestLimitExceeded',
  'EC2ThrottledException',
  'InternalError',
  'InternalFailure',
  'ServiceUnavailable',
  'Unavailable',
  'RequestTimeout',
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

/** The launch was made before, and its instances are gone: it is handled, and whoever still waits needs a new one. */
export class LaunchEndedError extends Error {
  override readonly name = 'LaunchEndedError';
}

/**
 * EC2 knows the call's token from a call with other parameters: two releases of the launcher say the same launch
 * differently. A fault of ours.
 */
export class LaunchTokenReusedError extends Error {
  override readonly name = 'LaunchTokenReusedError';
}

/** The runner's token is gone before an instance could have it: another attempt makes another runner. */
export class TicketGoneError extends Error {
  override readonly name = 'TicketGoneError';
}

/**
 * Sorts EC2's error codes, from exceptions and from `Errors[]` in a fleet's answer alike. Source: karpenter's and AWS's
 * lists.
 */
export function judgeLaunchError(code: string): LaunchVerdict {
  if (capacityCodes.includes(code) || quotaCodes.includes(code)) return 'no-capacity';
  if (throttleCodes.includes(code) || code.startsWith('Throttl')) return 'throttled';
  return 'permanent';
}

/**
 * What the errors of one answer mean together. A single pool without capacity makes all of it a matter of capacity:
 * other pools may have room later, or on demand. Where some instances came, the call cannot have been wrong altogether.
 */
export function judgeFleetErrors(codes: readonly string[], instances: number): LaunchVerdict {
  const verdicts = codes.map(judgeLaunchError);
  if (verdicts.length === 0 || verdicts.includes('no-capacity')) return 'no-capacity';
  if (verdicts.includes('throttled')) return 'throttled';
  return instances > 0 ? 'no-capacity' : 'permanent';
}

const remedies: readonly (readonly [pattern: RegExp, remedy: string])[] = [
  [
    /^AuthFailure\.ServiceLinkedRole/,
    'Create the role of EC2 Spot once in this account: aws iam create-service-linked-role --aws-service-name spot.amazonaws.com',
  ],
  [
    /^(UnauthorizedOperation|AuthFailure|AccessDenied)/,
    'Deploy the autoscaler again, and look for a permissions boundary or an organization’s policy that denies it (aws sts decode-authorization-message reads the message).',
  ],
  [/^InvalidLaunchTemplate/, 'The launch template is gone: deploy the autoscaler again.'],
  [
    /^(InvalidAMIID|InvalidParameter.*[Ii]mage)/,
    'Check the SSM parameter with the AMI’s id: build the image in ec2-runner-ami, or set imageParameter.',
  ],
  [/^InvalidSubnet/, 'Check subnetIds of the profile, or of the network.'],
  [
    /^Invalid(Security)?Group/,
    'Check securityGroupIds of the profile, or of the network: they must be of the subnets’ VPC.',
  ],
  [/^InvalidKeyPair/, 'Check ssh.keyName of the profile: the key pair must exist in this region.'],
  [/^(Client\.)?(InvalidKMSKey|KMS)/, `${remedyOfVolumeKey}.`],
  [/^(PendingVerification|OptInRequired|Blocked)/, 'AWS has not released the account for launches in this region yet.'],
];

/** What a person can do about a code that no repetition mends. */
export function remedyOf(code: string): string {
  const found = remedies.find(([pattern]) => pattern.test(code));
  return (
    found?.[1] ??
    'Check the profile’s launch template, AMI, instance types and subnets, and the permissions of the launcher.'
  );
}

/** What a person can do when capacity is missing for long. */
export function remedyOfShortage(codes: readonly string[]): string {
  if (codes.some((code) => quotaCodes.includes(code)))
    return 'raise the account’s EC2 quotas (new accounts have 5 vCPUs of each kind), or lower maxConcurrent';
  if (codes.includes('InsufficientFreeAddressesInSubnet')) return 'add subnets, or larger ones';
  if (codes.includes('SpotMaxPriceTooLow')) return 'raise maxPriceUsd, or allow on-demand capacity';
  return 'add instance types, subnets or on-demand capacity';
}
