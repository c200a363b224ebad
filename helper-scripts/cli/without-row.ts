import type { MappingTarget } from '../../autoscaler/job-mappings/job-mapping.ts';
import { profileOfTags } from '../../autoscaler/job-mappings/profile-tags.ts';
import type { Deployment } from '../../infrastructure/deployment/deployment.ts';
import { targetText } from './explanation-text.ts';

/** Where a job goes that no row names, and what says so. */
export type WithoutRow = { readonly by: 'profile-tags' | 'default'; readonly target: MappingTarget };

/** As the configuration at hand has it; null when there is none. */
export function targetWithoutRow(jobTags: readonly string[], configured: Deployment | null): WithoutRow | null {
  if (!configured) return null;
  const profile = profileOfTags(jobTags, configured.profiles);
  const type = profile === null ? undefined : configured.profiles[profile]?.type;
  if (profile === null || type === undefined) return { by: 'default', target: configured.defaultRunner };
  return { by: 'profile-tags', target: { type, profile } };
}

/** The same in words. */
export function describeWithoutRow(found: WithoutRow | null): string {
  if (found === null) {
    return 'tags of a profile, or else the default runner, decide (there is no deployment.config.ts for it at hand)';
  }
  const target = targetText(found);
  return found.by === 'default' ? `the default runner: ${target}` : `the tags of a profile: ${target}`;
}
