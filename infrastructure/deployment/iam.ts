import { z } from 'zod';
import { distinct } from './lists.ts';

/** IAM's default quota. Source: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html */
const mostManagedPolicies = 10;

export const policyArn = z
  .string()
  .regex(
    /^arn:[a-z-]+:iam::(?:aws|\d{12}):policy\/.+$/,
    "write a policy's ARN, such as arn:aws:iam::aws:policy/ReadOnlyAccess",
  );

/** One statement of an IAM policy, as IAM knows it but for the case of its keys. */
export const policyStatementSchema = z.strictObject({
  effect: z.enum(['Allow', 'Deny']).default('Allow'),
  actions: z
    .array(z.string().regex(/^(?:\*|[a-z0-9-]+:[A-Za-z0-9*?]+)$/, 'write an action such as s3:GetObject'))
    .min(1),
  resources: z.array(z.string().regex(/^(?:\*|arn:.+)$/s, 'write an ARN, or "*"')).min(1),
  /** Operator, key and values, such as `{ StringEquals: { 'aws:RequestedRegion': 'eu-west-1' } }`. */
  conditions: z.record(z.string(), z.record(z.string(), z.union([z.string(), z.array(z.string()).min(1)]))).optional(),
});
export type PolicyStatementSettings = z.output<typeof policyStatementSchema>;

/**
 * What a runner's role may do. On EC2, jobs of the shell executor and of privileged containers may do it too: they
 * reach the role. On LAMBDA it is a role of its own, which the function assumes for each job.
 */
export const permissionFields = {
  /** ARNs of managed policies for the role. */
  managedPolicyArns: distinct(policyArn).max(mostManagedPolicies).default([]),
  /** Statements of a policy of the role itself. */
  policyStatements: z.array(policyStatementSchema).default([]),
  /**
   * ARN of the policy beyond which the role gets no rights. It must allow what a runner needs itself:
   * `dynamodb:DeleteItem` on the tickets table; for a host its log; for a function also its logs, `events:PutEvents`,
   * `sts:AssumeRole` and `sts:TagSession`; for a cache the bucket; for registries those.
   */
  permissionsBoundaryArn: policyArn.optional(),
};

/** IAM's limit for all policies inside a role, less what a runner needs itself. */
export const longestStatementsCharacters = 8_000;
