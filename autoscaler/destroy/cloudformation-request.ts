import * as z from 'zod/mini';

/**
 * What CloudFormation asks of a custom resource.
 * Source: https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/crpg-ref-requests.html
 */
export const cloudFormationRequestSchema = z.object({
  RequestType: z.enum(['Create', 'Update', 'Delete']),
  ResponseURL: z.url(),
  StackId: z.string(),
  RequestId: z.string(),
  LogicalResourceId: z.string(),
});
export type CloudFormationRequest = z.infer<typeof cloudFormationRequestSchema>;

/** `reason` says why it failed: people see it in the stack's events. */
export type Outcome = { readonly status: 'SUCCESS' } | { readonly status: 'FAILED'; readonly reason: string };

/** CloudFormation takes an answer of at most 4,096 bytes. */
const longestReasonCharacters = 1_000;

/**
 * The answer as CloudFormation takes it. `physicalId` must never change: CloudFormation would delete the resource by
 * its old one.
 */
export function cloudFormationAnswerOf(request: CloudFormationRequest, physicalId: string, outcome: Outcome) {
  const { StackId, RequestId, LogicalResourceId } = request;
  return {
    Status: outcome.status,
    ...(outcome.status === 'FAILED' ? { Reason: outcome.reason.slice(0, longestReasonCharacters) } : {}),
    PhysicalResourceId: physicalId,
    StackId,
    RequestId,
    LogicalResourceId,
  };
}
