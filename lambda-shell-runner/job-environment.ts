import type { JobCredentials } from './job-role.ts';
import type { JobFolder } from './runner-config.ts';

/** By this variable we find the processes that a job left behind. */
export const executionVariable = 'GITLAB_RUNNER_EXECUTION';

const defaultPath = '/usr/local/bin:/usr/bin:/bin';

/** What a job may see of the function's environment: how to find programs, certificates and the way out. */
const allowed = [
  ...['LANG', 'LC_ALL', 'TZ', 'SSL_CERT_FILE', 'SSL_CERT_DIR'],
  ...['HTTP_PROXY', 'HTTPS_PROXY', 'NO_PROXY', 'http_proxy', 'https_proxy', 'no_proxy'],
];

/**
 * The whole environment of gitlab-runner, which a shell job inherits. It is made by hand from an allow-list: the
 * function's own has the credentials of its role (`AWS_*`) and the address of the Lambda runtime API. With a job role
 * it says where that role's credentials are, never what they are.
 */
export function jobEnvironment(
  own: Readonly<Record<string, string | undefined>>,
  folder: JobFolder,
  executionId: string,
  credentials: JobCredentials | null = null,
): Record<string, string> {
  const inherited = allowed.flatMap((name) => (own[name] ? [[name, own[name]] as const] : []));
  return {
    LANG: 'C.UTF-8',
    ...Object.fromEntries(inherited),
    PATH: own.PATH || defaultPath,
    HOME: folder.home,
    TMPDIR: folder.temporary,
    ...(credentials ? awsVariables(credentials, folder) : {}),
    [executionVariable]: executionId,
  };
}

/** Both names of the region, since the AWS CLI knows one and the SDKs the other. */
function awsVariables({ region }: JobCredentials, { awsCredentialsFile }: JobFolder): Record<string, string> {
  return { AWS_SHARED_CREDENTIALS_FILE: awsCredentialsFile, AWS_REGION: region, AWS_DEFAULT_REGION: region };
}
