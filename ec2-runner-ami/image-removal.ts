import * as z from 'zod/mini';

/**
 * What CloudFormation sends to a custom resource. Source:
 * https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/crpg-ref-requests.html
 */
export const removalRequestSchema = z.object({
  RequestType: z.enum(['Create', 'Update', 'Delete']),
  ResponseURL: z.string(),
  StackId: z.string(),
  RequestId: z.string(),
  LogicalResourceId: z.string(),
  PhysicalResourceId: z.optional(z.string()),
});
export type RemovalRequest = z.output<typeof removalRequestSchema>;

export type RemovalOutcome = { readonly status: 'SUCCESS' } | { readonly status: 'FAILED'; readonly reason: string };

const longestReasonCharacters = 1_000;

/** What CloudFormation waits for. */
export function renderAnswer(request: RemovalRequest, outcome: RemovalOutcome) {
  const { StackId, RequestId, LogicalResourceId } = request;
  return {
    Status: outcome.status,
    ...(outcome.status === 'FAILED' ? { Reason: outcome.reason.slice(0, longestReasonCharacters) } : {}),
    // Another id would mean another resource.
    PhysicalResourceId: request.PhysicalResourceId ?? LogicalResourceId,
    StackId,
    RequestId,
    LogicalResourceId,
  };
}
