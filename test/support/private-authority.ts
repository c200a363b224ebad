import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { type AddressInfo, connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createServer } from 'node:tls';
import type { Loopback } from './loopback.ts';

/** An authority that no one else knows, and the certificate that it gave to a server on the loopback interface. */
export type PrivateAuthority = {
  /** The authority's own certificate, in PEM. */
  readonly certificate: string;
  /** Offers what listens at an address of plain HTTP by TLS. End it with `await using`. */
  readonly serveByTls: (url: string) => Promise<Loopback>;
};

const commonOptions = ['-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-days', '2'];

/** @throws when this machine has no `openssl`: Node itself makes no certificates. */
export function createPrivateAuthority(subjectAltName = 'IP:127.0.0.1,DNS:localhost'): PrivateAuthority {
  const folder = mkdtempSync(join(tmpdir(), 'private-authority-'));
  try {
    makeCertificate(folder, 'ca', ['-subj', '/CN=Throw-away authority', '-addext', 'keyUsage=critical,keyCertSign']);
    makeCertificate(folder, 'server', [
      ...['-CA', 'ca.pem', '-CAkey', 'ca.key', '-subj', '/CN=loopback'],
      ...['-addext', `subjectAltName=${subjectAltName}`, '-addext', 'basicConstraints=critical,CA:FALSE'],
    ]);
    const [certificate, cert, key] = ['ca.pem', 'server.pem', 'server.key'].map((name) =>
      readFileSync(join(folder, name), 'utf8'),
    );
    return { certificate: certificate ?? '', serveByTls: (url) => serveByTls(url, { cert, key }) };
  } finally {
    rmSync(folder, { recursive: true });
  }
}

function makeCertificate(folder: string, name: string, options: readonly string[]): void {
  const files = ['-keyout', `${name}.key`, '-out', `${name}.pem`];
  const { status, stderr, error } = spawnSync('openssl', ['req', ...commonOptions, ...files, ...options], {
    cwd: folder,
    encoding: 'utf8',
  });
  if (status === 0) return;
  throw new Error(`openssl (3.0 or newer) made no certificate: ${error?.message ?? stderr}; is it installed?`);
}

async function serveByTls(
  url: string,
  credentials: { readonly cert: string | undefined; readonly key: string | undefined },
): Promise<Loopback> {
  const { hostname, port } = new URL(url);
  const server = createServer(credentials, (socket) => {
    const plain = connect(Number(port), hostname);
    for (const end of [socket, plain]) {
      end.on('error', () => {
        socket.destroy();
        plain.destroy();
      });
    }
    socket.pipe(plain).pipe(socket);
  });
  // A client that refuses our certificate hangs up.
  server.on('tlsClientError', () => {});
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `https://127.0.0.1:${(server.address() as AddressInfo).port}`,
    async [Symbol.asyncDispose]() {
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
