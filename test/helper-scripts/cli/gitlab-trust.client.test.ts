import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { Hono } from 'hono';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { lookAtCertificate } from '../../../helper-scripts/cli/gitlab-trust.client.ts';
import { type Loopback, serveLoopback } from '../../support/loopback.ts';
import { createPrivateAuthority } from '../../support/private-authority.ts';

const run = promisify(execFile);
const authority = createPrivateAuthority();
let plain: Loopback;
let secure: Loopback;

beforeAll(async () => {
  plain = await serveLoopback(new Hono().get('/', (context) => context.text('hello')));
  secure = await authority.serveByTls(plain.url);
});
afterAll(async () => {
  await secure[Symbol.asyncDispose]();
  await plain[Symbol.asyncDispose]();
});

describe('a look at GitLab’s certificate', () => {
  it('finds one that Lambdas would refuse', async () => {
    expect(await lookAtCertificate(secure.url)).toEqual({
      wrong: expect.stringContaining('not accepted'),
      remedy: expect.stringContaining('gitlab.caCertificates'),
    });
    expect(await lookAtCertificate(secure.url, createPrivateAuthority().certificate)).not.toBeNull();
  });

  it('finds nothing wrong with one of the authority that the deployment names', async () => {
    expect(await lookAtCertificate(`${secure.url}/gitlab`, authority.certificate)).toBeNull();
  });

  it('says nothing of a GitLab that it cannot see from here, or that has none', async () => {
    expect(await lookAtCertificate('https://127.0.0.1:1')).toBeNull();
    expect(await lookAtCertificate(plain.url)).toBeNull();
    // What listens there speaks no TLS.
    expect(await lookAtCertificate(plain.url.replace('http:', 'https:'))).toBeNull();
  });
});

/** A process of its own, since what a process trusts is set for good. */
async function fetchTrusting(certificate: string): Promise<string> {
  const program = `
    import { getCACertificates } from 'node:tls';
    const { trustAlso } = await import(process.env.MODULE);
    if (process.env.CERTIFICATE) trustAlso(process.env.CERTIFICATE);
    const answer = await fetch(process.env.URL).then((response) => response.text(), ({ cause }) => cause.code);
    const more = getCACertificates('default').length - getCACertificates('bundled').length;
    console.log(answer, more);
    process.exit(0);`;
  const { stdout } = await run(process.execPath, ['--input-type=module', '--eval', program], {
    env: {
      MODULE: join(import.meta.dirname, '../../../helper-scripts/cli/gitlab-trust.client.ts'),
      CERTIFICATE: certificate,
      URL: secure.url,
    },
  });
  return stdout.trim();
}

describe('the command line', () => {
  it('trusts the certificates that the deployment names, beside the public ones', async () => {
    expect(await fetchTrusting(authority.certificate)).toBe('hello 1');
    expect(await fetchTrusting('')).toBe('UNABLE_TO_VERIFY_LEAF_SIGNATURE 0');
  });
});
