/** How GitLab is reached, where that takes more than its address. */
export type GitLabConnection = {
  /** Base URL from which jobs clone. */
  readonly cloneUrl?: string | undefined;
  /** In PEM. */
  readonly caCertificates?: string | undefined;
};

/** Where functions have the deployment's `caCertificates`: what a layer holds is there, and images get a copy. */
export const caCertificatesFile = '/opt/gitlab-ca.pem';

/**
 * Makes Node trust the file's certificates beside the public ones. Node reads it once, as its process starts, so it
 * cannot be set later.
 * Source: https://nodejs.org/api/cli.html#node_extra_ca_certsfile
 */
export const trustVariables = { NODE_EXTRA_CA_CERTS: caCertificatesFile } as const;

/** What GitLab Runner in a function is told of the way to GitLab, in the words of its `[[runners]]` section. */
export function connectionSettingsOf({ cloneUrl, caCertificates }: GitLabConnection) {
  return {
    ...(cloneUrl === undefined ? {} : { clone_url: cloneUrl }),
    ...(caCertificates === undefined ? {} : { 'tls-ca-file': caCertificatesFile }),
  };
}

const mendTrust =
  'put the certificate of its authority, the root included, into gitlab.caCertificates of deployment.config.ts, and deploy autoscaler and lambda-shell-runner';
const mendDates = 'renew it in GitLab, or its authority in gitlab.caCertificates of deployment.config.ts';

/**
 * What to do about a certificate, by the code of Node's error.
 * Source: https://nodejs.org/api/tls.html#x509-certificate-error-codes
 */
const remedies: Readonly<Record<string, string>> = {
  UNABLE_TO_GET_ISSUER_CERT: mendTrust,
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: mendTrust,
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: mendTrust,
  SELF_SIGNED_CERT_IN_CHAIN: mendTrust,
  DEPTH_ZERO_SELF_SIGNED_CERT: mendTrust,
  CERT_SIGNATURE_FAILURE: mendTrust,
  CERT_UNTRUSTED: mendTrust,
  INVALID_CA: mendTrust,
  CERT_HAS_EXPIRED: mendDates,
  CERT_NOT_YET_VALID: mendDates,
  ERR_TLS_CERT_ALTNAME_INVALID: 'write gitlab.url of deployment.config.ts with a name that the certificate has',
};

export type Distrust = { readonly wrong: string; readonly remedy: string };

/** Why a connection failed for GitLab's certificate, and what to do; null when it failed for something else. */
export function distrustOf(error: unknown): Distrust | null {
  for (let cause = error; cause instanceof Error; cause = cause.cause) {
    const { code, message } = cause as NodeJS.ErrnoException;
    const remedy = code === undefined || !Object.hasOwn(remedies, code) ? undefined : remedies[code];
    // What Node adds after the reason is for programs whose user can choose how Node is started.
    if (remedy) return { wrong: `has a certificate that is not accepted (${message.split(';')[0]})`, remedy };
  }
  return null;
}

/**
 * What went wrong between gitlab-runner and GitLab, as gitlab-runner put it, with what to do where it is the
 * certificate.
 */
export function withTrustRemedy(text: string): string {
  return /x509: certificate signed by unknown authority/.test(text) ? `${text}; ${mendTrust}` : text;
}
