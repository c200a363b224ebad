import { z } from 'zod';
import { policyArn } from './iam.ts';

/** The ARN of a key of one's own in KMS. */
export const kmsKeyArnSchema = z
  .string()
  .regex(
    /^arn:[a-z-]+:kms:[a-z0-9-]+:\d{12}:key\/(?:mrk-[0-9a-f]{32}|[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})$/,
    "write a key's ARN, such as arn:aws:kms:eu-west-1:123456789012:key/12345678-1234-1234-1234-123456789012",
  );

/** Source: https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_PutRetentionPolicy.html */
const retentionDays = [
  1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653,
] as const;

/** What an account asks of everything in it, whoever made it. */
export const accountRuleFields = {
  /**
   * ARN of the policy beyond which no role of the deployment gets rights; a profile may name another for its runners.
   */
  permissionsBoundaryArn: policyArn.optional(),
  /** Path of all roles and instance profiles, such as `/ci/`. */
  rolePath: z
    .string()
    .max(512)
    .regex(/^\/(?:[\w+=,.@-]+\/)+$/, 'write a path such as /ci/')
    .optional(),
  /**
   * ARN of the key that encrypts tables, secrets, logs, queues, buckets and volumes; AWS's own keys when absent. Its
   * policy has to let AWS's services use it: `deployment key-policy` of the command line prints what to add.
   */
  kmsKeyArn: kmsKeyArnSchema.optional(),
  /** For how many days logs are kept. */
  logRetentionDays: z.literal(retentionDays).default(30),
};
