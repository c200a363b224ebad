import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { bootSettingsOf, renderBootScript } from '../../../autoscaler/runner-types/ec2/boot-script.ts';
import { readBootSource } from '../../../autoscaler/runner-types/ec2/boot-source.construct.ts';
import { defineDeployment } from '../../../infrastructure/deployment/deployment.ts';
import { ec2ProfileSchema } from '../../../infrastructure/deployment/profiles/ec2-profile.ts';
import { createPrivateAuthority } from '../../support/private-authority.ts';
import { faultsOf } from './inputs.ts';
import { caCertificates as one } from './rich-deployment.ts';

const two = createPrivateAuthority().certificate;
const shipped = (caCertificates: string) =>
  defineDeployment({ gitlab: { caCertificates } }).gitlab.caCertificates ?? '';

/** Certificates as people's files have them. */
const forms: readonly (readonly [string, string])[] = [
  ['one below the other', `${one}${two}`],
  ['joined without a line break', `${one.trim()}${two.trim()}`],
  ['with carriage returns', `${one}${two}`.replaceAll('\n', '\r\n')],
  ['with a byte order mark', `\uFEFF${one}${two}`],
  ['with a byte order mark in the middle', `${one}\uFEFF${two}`],
  ['indented, with empty lines', `\n${one}\n\n${two}\n`.replaceAll('\n', '\n  ')],
  ['each in one long line', `${one}${two}`.replaceAll(/(?<=[A-Za-z0-9+/=])\n(?=[A-Za-z0-9+/])/g, '')],
];

/** How many certificates Node finds in a file that `NODE_EXTRA_CA_CERTS` names. */
function countedByNode(pem: string): number {
  const folder = mkdtempSync(join(tmpdir(), 'certificates-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  const file = join(folder, 'ca.pem');
  writeFileSync(file, pem);
  const count = "process.stdout.write(String(require('node:tls').getCACertificates('extra').length))";
  const { stdout } = spawnSync(process.execPath, ['-e', count], {
    env: { NODE_EXTRA_CA_CERTS: file },
    encoding: 'utf8',
  });
  return Number(stdout);
}

describe('certificates by which GitLab is trusted', () => {
  it.each(forms)('are shipped in one form when they come %s', (_form, pem) => {
    expect(shipped(pem)).toBe(`${one}${two}`);
  });

  it('are all found by Node in that form, and were not as they came', () => {
    expect(countedByNode(shipped(`${one}${two}`))).toBe(2);
    expect(countedByNode(`${one.trim()}${two.trim()}`)).toBeLessThan(2);
  });

  it.each(forms)('reach hosts in that form when they come %s', (_form, pem) => {
    const deployment = defineDeployment({ gitlab: { caCertificates: pem } });
    const profile = ec2ProfileSchema.parse({ type: 'EC2' });
    const boot = bootSettingsOf(deployment, profile, {
      ticketsTable: 'tickets',
      roleId: 'AROAFAKE',
      logGroup: 'hosts',
    });
    expect(renderBootScript(readBootSource(), boot)).toContain(`ca_certificates='${one}${two}'`);
  });

  it.each(['not-a-real-secret', '-----BEGIN PRIVATE KEY-----\nZmFrZQ==\n-----END PRIVATE KEY-----\n'])(
    'are refused when they are none: %j',
    (caCertificates) => {
      expect(faultsOf({ gitlab: { caCertificates } })).toEqual([
        expect.stringMatching(/^gitlab\.caCertificates: is ".*; write certificates in PEM/),
      ]);
    },
  );

  it('are refused when nobody can read one, which Node would leave out with a mere warning', () => {
    const damaged = one.replace(/(?<=BEGIN CERTIFICATE-----\n).{9}/, 'ZmFrZWQ9x');
    const fault = /^gitlab\.caCertificates: certificate 2 cannot be read; export it anew/;
    expect(faultsOf({ gitlab: { caCertificates: `${one}${damaged}${one}` } })).toEqual([expect.stringMatching(fault)]);
  });
});
