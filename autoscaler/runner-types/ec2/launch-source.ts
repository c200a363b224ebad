import type { LaunchSource } from '../../runner-store/runner-item.ts';
import type { LaunchProfile } from './launch-environment.ts';

/**
 * What each profile's instances are launched from: its own subnets, or else the network's. Null for a profile that was
 * not deployed. What is launched has the user's tags from its first moment, the fleet itself too: some accounts refuse
 * all else.
 */
export function sourcesOf(
  profiles: Readonly<Record<string, LaunchProfile>>,
  networkSubnetIds: readonly string[],
  resourceTags: Readonly<Record<string, string>> = {},
) {
  return (name: string): LaunchSource | null => {
    const profile = Object.hasOwn(profiles, name) ? profiles[name] : undefined;
    if (!profile) return null;
    const tags = { ...resourceTags, ...profile.tags };
    return {
      ...profile,
      subnetIds: profile.subnetIds ?? networkSubnetIds,
      ...(Object.keys(tags).length === 0 ? {} : { tags }),
    };
  };
}
