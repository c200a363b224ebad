import { z } from 'zod';
import { architectures } from './architecture.ts';
import { jobHooks, profileFields, shortestTimeoutMinutes } from './deployment-profile.ts';
import { noTokenForFunctions } from './deployment-runner-tokens.ts';

/** Lambda's limit of 15 minutes less what the wrapper needs to end a stubborn job and report it. */
const longestTimeoutMinutes = 13;

/** A runner that is a Lambda function with a shell executor: starts in about a second, at most 15 minutes, no docker. */
export const lambdaProfileSchema = z.strictObject({
  type: z.literal('LAMBDA'),
  ...profileFields,
  memoryMiB: z.int().min(128).max(10_240).default(2_048),
  /** Size of `/tmp`, where the job works. */
  ephemeralStorageMiB: z.int().min(512).max(10_240).default(2_048),
  architecture: z.enum(architectures).default('arm64'),
  timeoutMinutes: z.int().min(shortestTimeoutMinutes).max(longestTimeoutMinutes).default(13),
  /** `image`: our container image with gitlab-runner (needs a container engine to deploy); `zip`: the handler alone, gitlab-runner from the PATH. */
  packaging: z.enum(['image', 'zip']).default('image'),
  hooks: z.strictObject(jobHooks).default({}),
  /** Of profiles of type EC2 alone. */
  runnerTokenSecretArn: z.never({ error: noTokenForFunctions }).optional(),
});

export type LambdaProfile = z.output<typeof lambdaProfileSchema>;
