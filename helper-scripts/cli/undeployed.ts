import type { DeployedProfiles } from '../../autoscaler/exports.ts';
import { isUsable, type JobMapping, namingAttributes, readMapping } from '../../autoscaler/job-mappings/job-mapping.ts';
import { nearestOf } from '../../infrastructure/deployment/nearest-name.ts';

/**
 * What a row names that the deployment has not, though it may be a good row elsewhere: its jobs would wait until
 * somebody mends it. The same is decided for each job by `choose-runner.ts`.
 */
export function undeployedFaults(row: unknown, deployed: DeployedProfiles): string[] {
  const mapping = readMapping(row);
  return isUsable(mapping) ? faultsOf(mapping, deployed) : [];
}

function faultsOf({ target }: JobMapping, deployed: DeployedProfiles): string[] {
  if (target.type === 'IGNORE') return [];
  const { type, profile, fallbackProfile } = target;
  const arns = Object.values(deployed).flatMap(({ functionArn }) => functionArn ?? []);
  const ofType = Object.keys(deployed).filter((name) => deployed[name]?.type === type);
  const attribute = namingAttributes[type];
  const what = `${type} profile${attribute === 'arn' ? ' or function' : ''}`;
  return [
    ...(arns.includes(profile) ? [] : lackOf(attribute, profile, ofType, what)),
    ...(fallbackProfile === undefined
      ? []
      : lackOf('fallbackProfile', fallbackProfile, Object.keys(deployed), 'profile')),
  ];
}

function lackOf(attribute: string, wanted: string, names: readonly string[], what: string): string[] {
  if (names.includes(wanted)) return [];
  const nearest = nearestOf(wanted, names);
  const remedy = nearest === undefined ? `name one of ${names.join(', ') || '(none)'}` : `write "${nearest}"`;
  return [
    `${attribute}: the deployment has no ${what} "${wanted}"; ${remedy}, or deploy it first (--offline: unchecked)`,
  ];
}
