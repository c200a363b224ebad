import type { LaunchProfile } from '../../environment.ts';
import type { LaunchSource } from '../../runners/runner-item.ts';

/** What each profile's instances are launched from: its own subnets, or else the network's. Null for a profile that was not deployed. */
export function sourcesOf(profiles: Readonly<Record<string, LaunchProfile>>, networkSubnetIds: readonly string[]) {
  return (name: string): LaunchSource | null => {
    const profile = Object.hasOwn(profiles, name) ? profiles[name] : undefined;
    return profile ? { ...profile, subnetIds: profile.subnetIds ?? networkSubnetIds } : null;
  };
}
