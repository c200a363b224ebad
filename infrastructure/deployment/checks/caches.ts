import type { Fault } from '../faults.ts';
import type { Ec2Profile } from '../profiles/ec2-profile.ts';
import { jobsOwnHost } from '../profiles/host-doors.ts';
import type { LambdaProfile } from '../profiles/lambda-profile.ts';

/** The folder of a profile's caches in the bucket; IAM keeps its hosts to it. */
export function cachePrefixOf(profileName: string, { cache }: Ec2Profile): string {
  return cache?.prefix ?? profileName;
}

/**
 * What is wrong between the caches of profiles. A host may read and write all below its prefix, so that one prefix
 * below another is open to both, unseen. And where jobs own the host, they may put into the caches what jobs of others
 * then unpack, and so may jobs of any branch for those of protected ones: only profiles that are alike in both may
 * share.
 */
export function cacheFaults(profiles: Readonly<Record<string, Ec2Profile | LambdaProfile>>): Fault[] {
  const caches = Object.entries(profiles).flatMap(([name, profile]) => {
    if (profile.type !== 'EC2' || !profile.cache) return [];
    const isForProtected = profile.accessLevel === 'ref_protected';
    return [{ name, prefix: cachePrefixOf(name, profile), ownsHost: jobsOwnHost(profile), isForProtected }];
  });
  return caches.flatMap((cache, index) =>
    caches.slice(0, index).flatMap((other) => {
      const message = whyApart(cache, other);
      return message ? [{ path: ['profiles', cache.name, 'cache', 'prefix'], message }] : [];
    }),
  );
}

type ProfileCache = {
  readonly name: string;
  readonly prefix: string;
  readonly ownsHost: boolean;
  readonly isForProtected: boolean;
};

function whyApart(cache: ProfileCache, other: ProfileCache): string | undefined {
  const { prefix, ownsHost, isForProtected } = cache;
  if (prefix !== other.prefix) {
    const isBelow = `${prefix}/`.startsWith(`${other.prefix}/`) || `${other.prefix}/`.startsWith(`${prefix}/`);
    const message = `"${prefix}" and "${other.prefix}" of the profile "${other.name}" lie in each other, and hosts of the outer one reach the inner; choose another, or the same`;
    return isBelow ? message : undefined;
  }
  if (isForProtected !== other.isForProtected) {
    const [closed, open] = isForProtected ? [cache.name, other.name] : [other.name, cache.name];
    return `"${prefix}" is that of the profile "${other.name}" too, and "${closed}" is for protected branches and tags alone (accessLevel): jobs of any branch in "${open}" could write what its jobs unpack; choose another, or leave it out`;
  }
  if (ownsHost === other.ownsHost) return undefined;
  const owner = ownsHost ? cache.name : other.name;
  return `"${prefix}" is that of the profile "${other.name}" too, and jobs of "${owner}" own their host: they could write what jobs of the other unpack; choose another, or leave it out`;
}
