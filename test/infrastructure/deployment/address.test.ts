import { describe, expect, it } from 'vitest';
import { defineDeployment } from '../../../infrastructure/deployment/deployment.ts';
import { faultsOf } from './inputs.ts';

const shipped = (url: string) => defineDeployment({ gitlab: { url, cloneUrl: url } }).gitlab;

describe('the address of GitLab', () => {
  it.each([
    ['https://gitlab.example.com', 'https://gitlab.example.com'],
    ['https://gitlab.example.com/', 'https://gitlab.example.com'],
    ['https://gitlab.example.com/gitlab//', 'https://gitlab.example.com/gitlab'],
    [' https://gitlab.example.com\n', 'https://gitlab.example.com'],
    ['HTTPS://GitLab.Example.com:443/Path', 'https://gitlab.example.com/Path'],
    ['https://git\tlab.example.com', 'https://gitlab.example.com'],
    ['https://gitläb.example.com', 'https://xn--gitlb-jra.example.com'],
    ['http://[2001:DB8::1]:8080', 'http://[2001:db8::1]:8080'],
  ])('written as %j is shipped as every program reads it', (written, address) => {
    expect(shipped(written)).toMatchObject({ url: address, cloneUrl: address });
  });

  it.each([
    'https://me:not-a-real-secret@gitlab.example.com',
    'https://gitlab.example.com/?private_token=x',
    'https://gitlab.example.com/#top',
  ])('is refused with more than that: %s', (url) => {
    expect(faultsOf({ gitlab: { url } })).toEqual([
      'gitlab.url: has a user, a query or a fragment, which nobody would use; write what is in front of them',
    ]);
  });

  it.each(['gitlab.example.com', 'https:gitlab.example.com', 'ftp://gitlab.example.com', 'https://'])(
    'is refused when it is none: %s',
    (url) => {
      expect(faultsOf({ gitlab: { url } })).toEqual([
        `gitlab.url: is "${url}"; write an address such as https://gitlab.example.com`,
      ]);
    },
  );
});
