import { z } from 'zod';
import { architectures } from './architecture.ts';

/** GitLab refuses runners with a shorter maximum timeout (POST /user/runners). */
const shortestMaximumTimeoutMinutes = 10;
/** Lambda's limit of 15 minutes less what the wrapper needs to end a stubborn job and report it. */
const longestLambdaTimeoutMinutes = 13;

const name = z
  .string()
  .regex(/^[a-z][a-z0-9-]{0,31}$/, 'use 1 to 32 lower-case letters, digits and hyphens, beginning with a letter');

const limits = {
  /** Jobs of this profile that may run at the same time; unlimited when absent. */
  maxConcurrent: z.int().positive().optional(),
};

/** A runner that is a Lambda function with a shell executor: starts in about a second, at most 15 minutes, no docker. */
export const lambdaProfileSchema = z.strictObject({
  type: z.literal('LAMBDA'),
  memoryMiB: z.int().min(128).max(10_240).default(2_048),
  /** Size of `/tmp`, where the job works. */
  ephemeralStorageMiB: z.int().min(512).max(10_240).default(2_048),
  architecture: z.enum(architectures).default('arm64'),
  timeoutMinutes: z.int().min(shortestMaximumTimeoutMinutes).max(longestLambdaTimeoutMinutes).default(13),
  /** `image`: our container image with gitlab-runner (needs a container engine to deploy); `zip`: the handler alone, gitlab-runner from the PATH. */
  packaging: z.enum(['image', 'zip']).default('image'),
  /** ARNs of managed policies for the function's role. Whatever it may do, every job may do. */
  managedPolicyArns: z.array(z.string().startsWith('arn:')).default([]),
  ...limits,
});

/** A runner that is a one-job EC2 instance. */
export const ec2ProfileSchema = z.strictObject({
  type: z.literal('EC2'),
  architecture: z.enum(architectures).default('x86_64'),
  /** Several families and sizes: EC2 chooses the pool with the most room at the best price. */
  instanceTypes: z
    .array(z.string().regex(/^[a-z0-9-]+\.[a-z0-9-]+$/, 'name an instance type such as m7a.large'))
    .min(1)
    .optional(),
  /** When to use on-demand capacity: never, when spot has none, or always. */
  onDemand: z.enum(['never', 'fallback', 'always']).default('fallback'),
  /** Highest spot price per hour in USD; the on-demand price when absent. */
  maxPriceUsd: z.number().positive().optional(),
  volumeGiB: z.int().min(8).max(16_384).default(30),
  /** SSM parameter with the id of another AMI than ours. */
  imageParameter: z.string().startsWith('/').optional(),
  executor: z.enum(['docker', 'shell']).default('docker'),
  /** Image of jobs that name none (docker executor). */
  dockerImage: z.string().min(1).default('public.ecr.aws/docker/library/alpine:3.22'),
  privileged: z.boolean().default(false),
  timeoutMinutes: z
    .int()
    .min(shortestMaximumTimeoutMinutes)
    .max(7 * 24 * 60)
    .default(60),
  managedPolicyArns: z.array(z.string().startsWith('arn:')).default([]),
  ...limits,
});

export const profileSchema = z.discriminatedUnion('type', [lambdaProfileSchema, ec2ProfileSchema]);

/** Everything a user says about one deployment, with its defaults filled in by {@link defineDeployment}. */
export const deploymentSchema = z.strictObject({
  /** Prefix of everything: stack names, SSM parameters, tags. Two deployments in one account need two names. */
  name: name.default('gitlab-runners'),
  account: z
    .string()
    .regex(/^\d{12}$/, 'an AWS account id has 12 digits')
    .optional(),
  region: z
    .string()
    .regex(/^[a-z]{2}(-[a-z]+)+-\d$/, 'name a region such as eu-west-1')
    .optional(),
  gitlab: z
    .strictObject({
      /** Base URL of GitLab, as runners and Lambdas reach it. */
      url: z.url({ protocol: /^https?$/ }).default('https://gitlab.com'),
    })
    .prefault({}),
  /** A VPC of our own, or subnets and security groups that exist. */
  network: z
    .union([
      z.strictObject({
        availabilityZones: z.int().min(1).max(6).default(2),
        natGateways: z.int().min(0).max(6).default(0),
      }),
      z.strictObject({
        vpcId: z.string().startsWith('vpc-'),
        subnetIds: z.array(z.string().startsWith('subnet-')).min(1),
        securityGroupIds: z.array(z.string().startsWith('sg-')).min(1),
      }),
    ])
    .prefault({}),
  /** Paths or globs of projects whose jobs are looked at; every project that the webhook sends when empty. */
  allowedProjects: z.array(z.string().min(1)).default([]),
  /** Where jobs go that no mapping matches. */
  defaultRunner: z
    .discriminatedUnion('type', [
      z.strictObject({ type: z.literal('IGNORE') }),
      z.strictObject({ type: z.literal('LAMBDA'), profile: name }),
      z.strictObject({ type: z.literal('EC2'), profile: name }),
    ])
    .prefault({ type: 'IGNORE' }),
  /** Runners of this deployment that may live at the same time; unlimited when absent. */
  maxConcurrent: z.int().positive().optional(),
  /** Launches that one job may cost before it is given up. */
  maxAttempts: z.int().min(1).max(10).default(3),
  profiles: z.record(name, profileSchema).prefault({ default: { type: 'EC2' }, shell: { type: 'LAMBDA' } }),
});

export type DeploymentInput = z.input<typeof deploymentSchema>;
export type Deployment = z.output<typeof deploymentSchema>;
export type Profile = z.output<typeof profileSchema>;
export type Ec2Profile = z.output<typeof ec2ProfileSchema>;
export type LambdaProfile = z.output<typeof lambdaProfileSchema>;

/** The configuration has faults; the message lists every one with its path and what to write instead. */
export class DeploymentConfigError extends Error {
  override readonly name = 'DeploymentConfigError';
}

/**
 * Checks one deployment's configuration and fills in the defaults.
 *
 * @throws {DeploymentConfigError} naming every fault at once.
 * @example export default [defineDeployment({ name: 'ci', gitlab: { url: 'https://gitlab.example.com' } })];
 */
export function defineDeployment(input: DeploymentInput): Deployment {
  const result = deploymentSchema.safeParse(input);
  const faults = result.success
    ? faultsBetweenFields(result.data)
    : result.error.issues.map((issue) => `${issue.path.join('.') || 'deployment'}: ${issue.message}`);
  if (faults.length > 0) {
    throw new DeploymentConfigError(
      `The deployment's configuration has faults:\n${faults.map((fault) => `  - ${fault}`).join('\n')}`,
    );
  }
  return result.data as Deployment;
}

function faultsBetweenFields({ defaultRunner, profiles }: Deployment): string[] {
  if (defaultRunner.type === 'IGNORE') return [];
  const profile = profiles[defaultRunner.profile];
  if (profile?.type === defaultRunner.type) return [];
  const known = Object.keys(profiles).filter((key) => profiles[key]?.type === defaultRunner.type);
  return [
    `defaultRunner.profile: "${defaultRunner.profile}" is not a profile of type ${defaultRunner.type}; name one of: ${known.join(', ') || '(none is defined)'}`,
  ];
}

/** The deployment's profiles of one type, as pairs of name and profile. */
export function profilesOfType<T extends Profile['type']>(deployment: Deployment, type: T) {
  return Object.entries(deployment.profiles).filter(
    (entry): entry is [string, Extract<Profile, { type: T }>] => entry[1].type === type,
  );
}

const defaultInstanceTypes = {
  x86_64: ['m7a.large', 'm7i.large', 'm6a.large', 'm6i.large', 'c7a.xlarge', 'c6a.xlarge'],
  arm64: ['m8g.large', 'm7g.large', 'm6g.large', 'c8g.xlarge', 'c7g.xlarge', 'c6g.xlarge'],
} as const;

/** The instance types of an EC2 profile: its own, or six of several families with at least 2 vCPU and 8 GiB. */
export function instanceTypesOf(profile: Ec2Profile): readonly string[] {
  return profile.instanceTypes ?? defaultInstanceTypes[profile.architecture];
}
