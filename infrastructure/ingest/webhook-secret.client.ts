import { AwsAnswerError, type CallAws } from '../kit/aws/signed-aws.client.ts';
import { parseCurrentSecret, parseWebhookSecret, type WebhookSecret, type WebhookSecrets } from './webhook-secret.ts';

/** The webhook's secret cannot be read or used; the message names its ARN and the cause is kept. */
export class WebhookSecretUnreadableError extends Error {
  override readonly name = 'WebhookSecretUnreadableError';
}

/** Loads the current and the previous version of the webhook's secret. @throws {WebhookSecretUnreadableError} */
export async function loadWebhookSecrets(secretArn: string, callAws: CallAws): Promise<WebhookSecrets> {
  const read = (stage: string) =>
    callAws('secretsmanager', 'secretsmanager.GetSecretValue', { SecretId: secretArn, VersionStage: stage }, textOf);
  try {
    const [current, previous] = await Promise.all([read('AWSCURRENT'), read('AWSPREVIOUS').catch(nothingWhenAbsent)]);
    const stored = parseCurrentSecret(current);
    // A version that was stored for a project alone says which tokens were the previous ones.
    return { ...stored, previous: stored.previous ?? (previous === null ? null : parseOrIgnore(previous)) };
  } catch (error) {
    throw new WebhookSecretUnreadableError(
      `cannot use the webhook secret ${secretArn}: ${error instanceof Error ? error.message : error}`,
      { cause: error },
    );
  }
}

/** A secret that was never rotated has no previous version. */
function nothingWhenAbsent(error: unknown): null {
  if (error instanceof AwsAnswerError && error.code === 'ResourceNotFoundException') return null;
  throw error;
}

/** Whoever repaired a broken secret has the broken one as the previous version. */
function parseOrIgnore(text: string): WebhookSecret | null {
  try {
    return parseWebhookSecret(text);
  } catch {
    return null;
  }
}

function textOf(answer: unknown): string {
  const { SecretString } = answer as { SecretString?: unknown };
  return typeof SecretString === 'string' ? SecretString : '';
}
