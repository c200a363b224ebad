import { z } from 'zod';

/**
 * A base address of HTTP, as everything of ours writes it: what Node reads of an address (blanks around it, one slash
 * or none behind the protocol, letters of other scripts in the host's name), curl and gitlab-runner may read otherwise,
 * or not at all.
 */
export function addressSchema(example: string) {
  return z
    .url({ protocol: /^https?$/, error: `write an address such as ${example}`, abort: true })
    .refine(isBase, {
      error: 'has a user, a query or a fragment, which nobody would use; write what is in front of them',
    })
    .overwrite(canonicalAddress);
}

function isBase(address: string): boolean {
  const { username, password, search, hash } = new URL(address);
  return username + password + search + hash === '';
}

function canonicalAddress(address: string): string {
  const { origin, pathname } = new URL(address);
  return origin + pathname.replace(/\/+$/, '');
}
