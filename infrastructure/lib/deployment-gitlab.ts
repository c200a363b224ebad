import { X509Certificate } from 'node:crypto';
import { z } from 'zod';

/** Where GitLab is, and how its certificate is trusted. */
export const gitlabSchema = z.strictObject({
  /** Base URL of GitLab, as runners and Lambdas reach it. */
  url: z
    .url({ protocol: /^https?$/, error: 'write an address such as https://gitlab.example.com' })
    .default('https://gitlab.com'),
  /** Base URL from which jobs clone, when it is another one. */
  cloneUrl: z.url({ protocol: /^https?$/, error: 'write an address such as https://git.example.com' }).optional(),
  /**
   * Certificates in PEM by which everything of ours trusts GitLab, when no public authority vouches for it: those of its authority, the
   * root included, or its own when it signed that itself. Lambdas and GitLab Runner trust them beside the public ones; git in jobs, and
   * a host that removes its runner, trust them alone.
   */
  caCertificates: z
    .string()
    .regex(/^\s*(?:-----BEGIN CERTIFICATE-----[A-Za-z0-9+/=\s]+-----END CERTIFICATE-----\s*)+$/, {
      error: 'write certificates in PEM (-----BEGIN CERTIFICATE----- ...), and nothing else',
      abort: true,
    })
    .superRefine((pem, context) => {
      const unreadable = unreadableCertificates(pem);
      if (unreadable.length === 0) return;
      const message = `certificate ${unreadable.join(', ')} cannot be read; export it anew (openssl x509 -in FILE shows whether it is one)`;
      context.addIssue({ code: 'custom', message });
    })
    .optional(),
});

const certificatePattern = /-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g;

/** Which of the certificates in a PEM text (1 is the first) cannot be read; Node would leave those out, with a mere warning. */
function unreadableCertificates(pem: string): readonly number[] {
  const certificates = pem.match(certificatePattern) ?? [];
  return certificates.flatMap((certificate, index) => (isReadable(certificate) ? [] : [index + 1]));
}

function isReadable(certificate: string): boolean {
  try {
    return new X509Certificate(certificate).raw.length > 0;
  } catch {
    return false;
  }
}
