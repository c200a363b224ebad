/** Errors whose message was written for people: their name would add nothing. */
const selfExplaining = [
  'UsageError',
  'MappingFileError',
  'NotStorableError',
  'DeploymentConfigError',
  'WriteNotFinishedError',
] as const;

/** Causes that lie on the way to AWS, by the code of Node's error. */
const unreachable: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'nothing listens there',
  ECONNRESET: 'the connection was closed',
  ENOTFOUND: 'there is no such host',
  EAI_AGAIN: 'names cannot be resolved at this moment',
  ETIMEDOUT: 'it does not answer',
};

type FailureLike = {
  readonly name?: string;
  readonly message?: string;
  readonly code?: string;
  readonly path?: string;
  readonly errors?: readonly unknown[];
  readonly $metadata?: object;
};

/** What the command line prints for an error: what failed and, where it is known, what to do. Never a stack trace. */
export function errorMessageOf(error: unknown, environment: Readonly<Record<string, string | undefined>>): string {
  const { name = 'Error', message = String(error), code, path, errors = [] } = (error ?? {}) as FailureLike;
  if (selfExplaining.some((known) => known === name)) return message;
  if (name === 'CredentialsProviderError') {
    return `No AWS credentials were found (${message}): choose a profile with --profile or AWS_PROFILE, or sign in with "aws sso login" or "aws configure"`;
  }
  if (message === 'Region is missing') return 'No AWS region is known: name it with --region or AWS_REGION';
  if (['ExpiredTokenException', 'ExpiredToken', 'UnrecognizedClientException', 'InvalidClientTokenId'].includes(name)) {
    return `AWS does not accept the credentials (${message}): sign in again, or choose another --profile`;
  }
  if (name === 'AccessDeniedException') return `AWS does not allow it: ${message}`;
  const reason = unreachable[code ?? (errors[0] as FailureLike | undefined)?.code ?? ''];
  if (reason) {
    const where = environment.AWS_ENDPOINT_URL ?? `AWS in ${environment.AWS_REGION ?? 'the region of the profile'}`;
    return `Cannot reach ${where}: ${reason}`;
  }
  if (code === 'ENOENT' && path !== undefined) return `There is no file ${path}`;
  if (code === 'EISDIR') return `${path ?? 'What was named'} is a folder, not a file`;
  return `${name}: ${message}`;
}
