import { X509Certificate } from 'node:crypto';

const certificatePattern = /-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g;

/** Which of the certificates in a PEM text (1 is the first) cannot be read; Node would leave those out, with a mere warning. */
export function unreadableCertificates(pem: string): readonly number[] {
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
