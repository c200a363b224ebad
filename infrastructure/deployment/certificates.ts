import { X509Certificate } from 'node:crypto';
import { z } from 'zod';

const certificatePattern = /-----BEGIN CERTIFICATE-----([^-]+)-----END CERTIFICATE-----/g;

/**
 * Certificates in PEM, one below the other in the one form that every reader takes. Files that were joined without a
 * line break between them, carriage returns or a byte order mark are no fault of the certificates, but Node and Go then
 * leave some or all of them out.
 */
export const certificatesSchema = z
  .string()
  .regex(/^\s*(?:-----BEGIN CERTIFICATE-----[A-Za-z0-9+/=\s]+-----END CERTIFICATE-----\s*)+$/, {
    error: 'write certificates in PEM (-----BEGIN CERTIFICATE----- ...), and nothing else',
    abort: true,
  })
  .transform((pem, context) => {
    const certificates = [...pem.matchAll(certificatePattern)].map(([, base64 = '']) => canonicalPem(base64));
    const unreadable = certificates.flatMap((certificate, index) => (certificate === null ? [index + 1] : []));
    if (unreadable.length === 0) return certificates.join('');
    const remedy = 'export it anew (openssl x509 -in FILE shows whether it is one)';
    const message = `certificate ${unreadable.join(', ')} cannot be read; ${remedy}`;
    context.addIssue({ code: 'custom', message });
    return z.NEVER;
  });

/** Null for what is no certificate; Node would leave it out, with a mere warning. */
function canonicalPem(base64: string): string | null {
  try {
    return new X509Certificate(Buffer.from(base64, 'base64')).toString();
  } catch {
    return null;
  }
}
