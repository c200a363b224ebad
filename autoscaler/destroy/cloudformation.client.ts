import { retryWithBackoff, systemBackoffPorts } from '../../infrastructure/kit/lambda/backoff.ts';

/** CloudFormation did not take the answer: the stack waits until the resource's time-out. */
export class AnswerNotTakenError extends Error {
  override readonly name = 'AnswerNotTakenError';
}

const patience = {
  maxAttempts: 5,
  firstDelayMilliseconds: 500,
  longestDelayMilliseconds: 4_000,
  budgetMilliseconds: 20_000,
};

/**
 * Puts the answer of a custom resource where CloudFormation waits for it: a presigned URL, which wants no content type.
 */
export async function answerCloudFormation(url: string, answer: object): Promise<void> {
  const put = async () => {
    const headers = { 'content-type': '' };
    const response = await fetch(url, { method: 'PUT', body: JSON.stringify(answer), headers });
    if (!response.ok) throw new AnswerNotTakenError(`CloudFormation answered ${response.status} to a custom resource`);
  };
  await retryWithBackoff(put, () => ({ retry: true }), patience, systemBackoffPorts);
}
