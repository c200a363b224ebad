import { z } from 'zod';
import { distinct } from './lists.ts';

/** An id that AWS gave, and nothing around it. */
export function awsId(prefix: 'subnet-' | 'sg-' | 'vpc-') {
  return z
    .string()
    .startsWith(prefix)
    .regex(/^[\w-]*$/, 'has a sign that no id has, a blank perhaps; remove it');
}

export const subnetIds = distinct(awsId('subnet-')).min(1);
export const securityGroupIds = distinct(awsId('sg-')).min(1);

const largestPrefix = 16;
/** Room for a public and a private subnet in each of six zones. */
const smallestPrefix = 22;

/** A VPC of the deployment's own. */
export const ownNetworkSchema = z.strictObject({
  availabilityZones: z.int().min(1).max(6).default(2),
  /** With some, runners are in private subnets; they cost by the hour. No more than zones are made. */
  natGateways: z.int().min(0).max(6).default(0),
  cidr: z
    .cidrv4('write a range of addresses such as 10.0.0.0/16')
    .refine((range) => prefixOf(range) >= largestPrefix && prefixOf(range) <= smallestPrefix, {
      error: `write a range between /${largestPrefix} and /${smallestPrefix}`,
    })
    .default('10.0.0.0/16'),
  /** Write down who spoke with whom in the VPC, in a log group; CloudWatch charges for each line. */
  flowLogs: z.boolean().default(false),
});

/** Subnets that exist. */
export const existingNetworkSchema = z.strictObject({
  vpcId: awsId('vpc-'),
  subnetIds,
  /** When absent, a group is made in the VPC: nothing comes in, everything goes out. */
  securityGroupIds: securityGroupIds.optional(),
});

/** Where EC2 runners live. */
export const networkSchema = z.union([ownNetworkSchema, existingNetworkSchema]);

/** Which of the two forms somebody meant who wrote this: a schema of both would only say that it is neither. */
export function networkFormOf(network: unknown): z.ZodType {
  const means = (key: string) => typeof network === 'object' && network !== null && Object.hasOwn(network, key);
  return Object.keys(existingNetworkSchema.shape).some(means) ? existingNetworkSchema : ownNetworkSchema;
}

export type OwnNetwork = z.output<typeof ownNetworkSchema>;
export type ExistingNetwork = z.output<typeof existingNetworkSchema>;

/** The ids of a network's subnets, or ids as long as those that it will have. */
export function subnetIdsOf(network: OwnNetwork | ExistingNetwork): readonly string[] {
  if ('vpcId' in network) return network.subnetIds;
  return Array.from({ length: network.availabilityZones }, () => 'subnet-0123456789abcdef0');
}

function prefixOf(range: string): number {
  return Number(range.split('/')[1]);
}
