import { describe, expect, it } from 'vitest';
import { distrustOf, withTrustRemedy } from '../../../infrastructure/gitlab/gitlab-trust.ts';

const failedFor = (code: string, message: string) =>
  new TypeError('fetch failed', { cause: Object.assign(new Error(message), { code }) });

describe('a connection that failed', () => {
  it.each([
    ['SELF_SIGNED_CERT_IN_CHAIN', 'gitlab.caCertificates'],
    ['DEPTH_ZERO_SELF_SIGNED_CERT', 'gitlab.caCertificates'],
    ['UNABLE_TO_GET_ISSUER_CERT_LOCALLY', 'the root included'],
    ['CERT_HAS_EXPIRED', 'renew it in GitLab'],
    ['ERR_TLS_CERT_ALTNAME_INVALID', 'gitlab.url'],
  ])('for GitLab’s certificate (%s) says what to do', (code, remedy) => {
    const distrust = distrustOf(failedFor(code, 'the reason; if the root CA is installed locally, try something'));
    expect(distrust).toEqual({
      wrong: 'has a certificate that is not accepted (the reason)',
      remedy: expect.stringContaining(remedy),
    });
  });

  it.each([
    failedFor('ECONNREFUSED', 'connect ECONNREFUSED'),
    failedFor('toString', 'no code of an error'),
    new DOMException('The operation was aborted due to timeout', 'TimeoutError'),
    new Error('503'),
    'no error',
    undefined,
  ])('for anything else is not taken for that: %s', (error) => {
    expect(distrustOf(error)).toBeNull();
  });
});

it('what gitlab-runner says of a certificate gets the same remedy, and nothing else does', () => {
  const refused =
    'Checking for jobs... failed: tls: failed to verify certificate: x509: certificate signed by unknown authority';
  expect(withTrustRemedy(refused)).toMatch(
    /^Checking for jobs\.\.\. failed: tls: .*authority; put .*gitlab\.caCertificates/,
  );
  expect(withTrustRemedy('Checking for jobs... failed: 502')).toBe('Checking for jobs... failed: 502');
});
