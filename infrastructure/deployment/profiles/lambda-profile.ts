import { z } from 'zod';
import { architectures } from '../../kit/architecture.ts';
import { noTokenForFunctions } from '../runner-token.ts';
import { jobHooks, profileFields, shortestTimeoutMinutes } from './profile.ts';

/** Lambda's limit of 15 minutes less what the wrapper needs to end a stubborn job and report it. */
export const longestTimeoutMinutes = 13;

/**
 * A runner that is a Lambda function with a shell executor: starts in about a second, at most 15 minutes, no docker.
 */
export const lambdaProfileSchema = z.strictObject({
  type: z.literal('LAMBDA'),
  ...profileFields,
  memoryMiB: z.int().min(128).max(10_240).default(2_048),
  /** Size of `/tmp`, where the job works. */
  ephemeralStorageMiB: z.int().min(512).max(10_240).default(2_048),
  architecture: z.enum(architectures).default('arm64'),
  timeoutMinutes: z.int().min(shortestTimeoutMinutes).max(longestTimeoutMinutes).default(13),
  /**
   * `image`: our container image with gitlab-runner (needs a container engine to deploy); `zip`: the handler alone,
   * gitlab-runner from the PATH.
   */
  packaging: z.enum(['image', 'zip']).default('image'),
  /**
   * Folder with a Dockerfile of your own that ends in a stage `FROM lambda-shell-runner`: your tools on top of our
   * image. From the root of the repository, or absolute; `lambda-shell-runner/example-image` is one.
   */
  imageFolder: z.string().min(1).optional(),
  /**
   * ARN of a role of yours that is assumed for each job, whose credentials the job then has. Its trust policy must
   * allow the function's role (`role-arn`, which is published) `sts:AssumeRole` and `sts:TagSession`. Without it,
   * `managedPolicyArns` and `policyStatements` make such a role; with neither, jobs have no access to AWS. The
   * function's own role is never theirs.
   */
  jobRoleArn: z
    .string()
    .regex(/^arn:[a-z-]+:iam::\d{12}:role\/.+$/, "write a role's ARN, such as arn:aws:iam::123456789012:role/deployer")
    .optional(),
  /**
   * Whether execution environments of the function are never shared between projects (Lambda's tenant isolation). Costs
   * cold starts. Lambda takes it only as the function is made: to change it, give the profile another name.
   */
  isolateProjects: z.boolean().default(false),
  hooks: z.strictObject(jobHooks).default({}),
  /** Of profiles of type EC2 alone. */
  runnerTokenSecretArn: z.never({ error: noTokenForFunctions }).optional(),
});

export type LambdaProfile = z.output<typeof lambdaProfileSchema>;
