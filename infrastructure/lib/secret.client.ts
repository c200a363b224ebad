import { AwsClient } from 'aws4fetch';

/** The secret cannot be read, or is not what it should be; the message names the secret, never its value. */
export class SecretUnavailableError extends Error {
  override readonly name = 'SecretUnavailableError';
}

/** A secret is read again after this time, so that a rotation needs no deployment. */
const cacheMilliseconds = 5 * 60 * 1_000;

/** What signs and addresses a request to AWS: the variables that Lambda sets. */
export type AwsEnvironment = Readonly<Record<string, string | undefined>>;

/**
 * Reads a secret's text with one signed request, without the SDK's load time, and keeps it for five minutes. A failed read is not kept.
 * Source: https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_GetSecretValue.html
 */
export function createSecretReader(
  secretArn: string,
  environment: AwsEnvironment,
  now: () => number,
): () => Promise<string> {
  let cached: { readonly at: number; readonly value: string } | undefined;
  return async () => {
    if (cached && now() - cached.at < cacheMilliseconds) return cached.value;
    cached = { at: now(), value: await readSecret(secretArn, environment) };
    return cached.value;
  };
}

async function readSecret(secretArn: string, environment: AwsEnvironment): Promise<string> {
  const region = environment.AWS_REGION ?? '';
  const aws = new AwsClient({
    accessKeyId: environment.AWS_ACCESS_KEY_ID ?? '',
    secretAccessKey: environment.AWS_SECRET_ACCESS_KEY ?? '',
    ...(environment.AWS_SESSION_TOKEN ? { sessionToken: environment.AWS_SESSION_TOKEN } : {}),
    service: 'secretsmanager',
    region,
    retries: 2,
  });
  const endpoint = environment.AWS_ENDPOINT_URL ?? `https://secretsmanager.${region}.amazonaws.com`;
  const response = await aws.fetch(`${endpoint}/`, {
    method: 'POST',
    headers: { 'content-type': 'application/x-amz-json-1.1', 'x-amz-target': 'secretsmanager.GetSecretValue' },
    body: JSON.stringify({ SecretId: secretArn }),
  });
  const answer = (await response.json().catch(() => ({}))) as { SecretString?: string; __type?: string };
  if (response.ok && answer.SecretString) return answer.SecretString;
  throw new SecretUnavailableError(
    `GetSecretValue of ${secretArn}: ${response.status} ${answer.__type ?? ''}; does it exist, and may this function read it?`,
  );
}
