// biome-ignore lint/style/noRestrictedImports: what is taken from it compares addresses, and opens no connection.
import { BlockList, isIP } from 'node:net';

/** A name for networks that somebody else announces. */
const presets: Readonly<Record<string, readonly string[]>> = {
  // https://docs.gitlab.com/user/gitlab_com/#ip-range
  'gitlab.com': ['34.74.90.64/28', '34.74.226.0/24'],
};

const example = 'write a network such as 192.0.2.0/24 or 2001:db8::/32, or "gitlab.com"';

/** Why this names no network that calls may come from; null when it does. */
export function webhookNetworkFault(written: string): string | null {
  if (Object.hasOwn(presets, written)) return null;
  const [address = '', prefix, ...rest] = written.split('/');
  const family = isIP(address);
  if (family === 0 || address.includes('%') || rest.length > 0) return `is "${written}"; ${example}`;
  const longest = family === 4 ? 32 : 128;
  if (prefix === undefined) return `is "${written}", a single address; write ${written}/${longest}`;
  if (!/^\d{1,3}$/.test(prefix) || Number(prefix) > longest) return `is "${written}"; ${example}`;
  return Number(prefix) === 0 ? `is "${written}", which is everybody; leave out the list, or name networks` : null;
}

/** What the webhook is told of networks without faults. */
export function webhookNetworksText(written: readonly string[]): string {
  return written.flatMap((network) => presets[network] ?? [network]).join(',');
}

/** Whether an address, as an HTTP API tells it, is within the networks; each is where there are none. */
export function createNetworkFilter(text: string): (address: string | undefined) => boolean {
  if (text === '') return () => true;
  const networks = new BlockList();
  for (const network of text.split(',')) {
    const [address = '', prefix] = network.split('/');
    networks.addSubnet(address, Number(prefix), isIP(address) === 6 ? 'ipv6' : 'ipv4');
  }
  return (address) => {
    const family = isIP(address ?? '');
    return family !== 0 && networks.check(address ?? '', family === 6 ? 'ipv6' : 'ipv4');
  };
}
