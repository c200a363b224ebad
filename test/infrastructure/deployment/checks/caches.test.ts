import { describe, expect, it } from 'vitest';
import { cachePrefixOf } from '../../../../infrastructure/deployment/checks/caches.ts';
import { defineDeployment, profilesOfType } from '../../../../infrastructure/deployment/deployment.ts';
import { faultsOf } from '../inputs.ts';

const EC2 = { type: 'EC2' } as const;
const privileged = { docker: { privileged: true } };

describe('the caches of profiles', () => {
  it('are apart, also of one that takes over another’s settings, unless they say the same place', () => {
    const deployment = defineDeployment({
      profiles: {
        default: { ...EC2, cache: {} },
        deploy: { ...EC2, extends: 'default' },
        test: { ...EC2, cache: { prefix: 'all' } },
        lint: { ...EC2, cache: { prefix: 'all' } },
      },
    });
    const prefixes = profilesOfType(deployment, 'EC2').map(([name, profile]) => cachePrefixOf(name, profile));
    expect(prefixes).toEqual(['default', 'deploy', 'all', 'all']);
  });

  it.each<[string, object, RegExp]>([
    [
      'whose hosts reach each other’s by a place within another',
      { default: { ...EC2, cache: { prefix: 'linux' } }, deploy: { ...EC2, cache: { prefix: 'linux/deploy' } } },
      /^profiles\.deploy\.cache\.prefix: "linux\/deploy" and "linux" of the profile "default" lie in each other/,
    ],
    [
      'whose place is within that of another’s name',
      { default: { ...EC2, cache: {} }, deploy: { ...EC2, cache: { prefix: 'default/x' } } },
      /^profiles\.deploy\.cache\.prefix: .*choose another, or the same$/,
    ],
    [
      'that jobs share which own their host with jobs that do not',
      { default: { ...EC2, cache: { prefix: 'all' } }, dind: { ...EC2, ...privileged, cache: { prefix: 'all' } } },
      /^profiles\.dind\.cache\.prefix: "all" is that of the profile "default" too, and jobs of "dind" own their host/,
    ],
    [
      'that jobs of every branch share with those of protected ones',
      {
        default: { ...EC2, cache: { prefix: 'all' } },
        deploy: { ...EC2, accessLevel: 'ref_protected', cache: { prefix: 'all' } },
      },
      /^profiles\.deploy\.cache\.prefix: "all" is that of the profile "default" too, and "deploy" is for protected branches and tags alone/,
    ],
  ])('are refused %s', (_, profiles, message) => {
    expect(faultsOf({ profiles })).toEqual([expect.stringMatching(message)]);
  });

  it.each<[string, object]>([
    [
      'names that begin alike',
      { default: { ...EC2, cache: { prefix: 'linux' } }, other: { ...EC2, cache: { prefix: 'linux2' } } },
    ],
    [
      'profiles for protected branches and tags among themselves',
      {
        default: { ...EC2, accessLevel: 'ref_protected', cache: { prefix: 'all' } },
        deploy: { ...EC2, accessLevel: 'ref_protected', cache: { prefix: 'all' } },
      },
    ],
    [
      'owners among themselves',
      {
        default: { ...EC2, ...privileged, cache: { prefix: 'all' } },
        shell: { ...EC2, executor: 'shell', cache: { prefix: 'all' } },
      },
    ],
    ['profiles without', { default: { ...EC2, cache: { prefix: 'all' } }, dind: { ...EC2, ...privileged } }],
  ])('are fine: %s', (_, profiles) => {
    expect(faultsOf({ profiles })).toEqual([]);
  });
});
