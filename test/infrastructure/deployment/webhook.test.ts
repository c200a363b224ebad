import { describe, expect, it } from 'vitest';
import { defineDeployment } from '../../../infrastructure/deployment/deployment.ts';
import { webhookNetworksText } from '../../../infrastructure/kit/webhook-networks.ts';
import { faultsOf } from './inputs.ts';

const faultsOfNetworks = (...allowedNetworks: unknown[]) => faultsOf({ gitlab: { webhook: { allowedNetworks } } });
const example = 'write a network such as 192.0.2.0/24 or 2001:db8::/32, or "gitlab.com"';

describe('the networks that calls of the webhook may come from', () => {
  it('are all, and a token is taken, when nothing is said', () => {
    expect(defineDeployment({}).gitlab.webhook).toEqual({ signatureOnly: false, allowedNetworks: [] });
  });

  it('are networks of both kinds, single addresses, and those that GitLab.com names', () => {
    const allowedNetworks = ['gitlab.com', '192.0.2.0/24', '2001:db8::/32', '198.51.100.7/32'];
    expect(faultsOfNetworks(...allowedNetworks)).toEqual([]);
    expect(webhookNetworksText(allowedNetworks)).toBe(
      '34.74.90.64/28,34.74.226.0/24,192.0.2.0/24,2001:db8::/32,198.51.100.7/32',
    );
  });

  it.each([
    ['192.0.2.0/33', `is "192.0.2.0/33"; ${example}`],
    ['192.0.2/24', `is "192.0.2/24"; ${example}`],
    ['2001:db8::/129', `is "2001:db8::/129"; ${example}`],
    ['fe80::1%eth0/64', `is "fe80::1%eth0/64"; ${example}`],
    ['192.0.2.0/24/8', `is "192.0.2.0/24/8"; ${example}`],
    ['192.0.2.0/', `is "192.0.2.0/"; ${example}`],
    ['gitlab.example.com', `is "gitlab.example.com"; ${example}`],
    ['toString', `is "toString"; ${example}`],
    ['', `is ""; ${example}`],
    ['192.0.2.1', 'is "192.0.2.1", a single address; write 192.0.2.1/32'],
    ['2001:db8::1', 'is "2001:db8::1", a single address; write 2001:db8::1/128'],
    ['0.0.0.0/0', 'is "0.0.0.0/0", which is everybody; leave out the list, or name networks'],
    ['::/00', 'is "::/00", which is everybody; leave out the list, or name networks'],
  ])('are refused at synth with the remedy: %s', (network, fault) => {
    expect(faultsOfNetworks('gitlab.com', network)).toEqual([`gitlab.webhook.allowedNetworks[1]: ${fault}`]);
  });

  it('are refused when they are named twice, or more than a function is told', () => {
    expect(faultsOfNetworks('gitlab.com', 'gitlab.com')).toEqual([
      'gitlab.webhook.allowedNetworks: names "gitlab.com" twice; remove one of them',
    ]);
    const many = Array.from({ length: 40 }, (_, index) => `192.0.2.${index}/32`);
    expect(faultsOfNetworks(...many)).toEqual([expect.stringContaining('name larger networks')]);
  });

  it('are not mistaken for another setting', () => {
    expect(faultsOf({ gitlab: { webhook: { allowedNetwork: [] } } })[0]).toContain('allowedNetworks');
  });
});
