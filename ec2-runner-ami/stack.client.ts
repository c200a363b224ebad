import { CloudFormationClient, DescribeStacksCommand } from '@aws-sdk/client-cloudformation';

/** Is the stack itself being deleted, rather than a resource of it? */
export async function isStackBeingDeleted(stackId: string, client = new CloudFormationClient({ maxAttempts: 5 })) {
  const { Stacks: [stack] = [] } = await client.send(new DescribeStacksCommand({ StackName: stackId }));
  return stack?.StackStatus === 'DELETE_IN_PROGRESS';
}

/** The signed address that CloudFormation gave takes one answer, without a content type. */
export async function answerCloudFormation(url: string, body: object): Promise<void> {
  const response = await fetch(url, { method: 'PUT', body: JSON.stringify(body), headers: { 'content-type': '' } });
  if (!response.ok) throw new Error(`CloudFormation did not take the answer: ${response.status}`);
}
