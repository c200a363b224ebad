import { isIP } from 'node:net';
import { connect, getCACertificates, rootCertificates, setDefaultCACertificates } from 'node:tls';
import { type Distrust, distrustOf } from '../../infrastructure/gitlab/gitlab-trust.ts';

/** Makes this process trust certificates (PEM) beside those that it trusts already, from its next connection on. */
export function trustAlso(caCertificates: string): void {
  setDefaultCACertificates([...getCACertificates('default'), caCertificates]);
}

/** Longer than a GitLab that can be reached from here takes. */
const connectTimeoutMilliseconds = 5_000;

/**
 * Whether Lambdas would refuse GitLab's certificate: it is looked at with the certificates that they trust, and not
 * with those of this machine. Null when they would not, and when GitLab cannot be reached from here, or speaks no TLS.
 */
export function lookAtCertificate(url: string, caCertificates?: string): Promise<Distrust | null> {
  const { protocol, hostname, port } = new URL(url);
  // The certificate of gitlab.com is a public one: whatever else shows here is a proxy's, between this machine and
  // there.
  if (protocol !== 'https:' || hostname === 'gitlab.com') return Promise.resolve(null);
  const host = hostname.replace(/^\[|\]$/g, '');
  return new Promise((resolve) => {
    const socket = connect({
      host,
      port: Number(port || 443),
      ca: [...rootCertificates, ...(caCertificates === undefined ? [] : [caCertificates])],
      ...(isIP(host) ? {} : { servername: host }),
    });
    const end = (distrust: Distrust | null) => {
      socket.destroy();
      resolve(distrust);
    };
    socket.setTimeout(connectTimeoutMilliseconds, () => end(null));
    socket.once('secureConnect', () => end(null));
    socket.once('error', (error) => end(distrustOf(error)));
  });
}
