import { withGitTrust } from '../../gitlab/git-trust.ts';
import { connectionSettingsOf, type GitLabConnection, trustVariables } from '../../gitlab/gitlab-trust.ts';
import type { Fault } from '../faults.ts';
import { type Ec2Profile, instanceTypesOf } from '../profiles/ec2-profile.ts';
import type { LambdaProfile } from '../profiles/lambda-profile.ts';
import { dockerConfigOf } from '../profiles/registries.ts';
import { runnerSettingsOf } from '../profiles/runner-settings.ts';

type Profile = Ec2Profile | LambdaProfile;
type Profiles = Readonly<Record<string, Profile>>;

/** What routing knows of a profile; a function is there for LAMBDA alone. */
export function routingEntryOf(profile: Profile, functionArn?: string) {
  const { type, timeoutMinutes, maxConcurrent } = profile;
  return {
    type,
    timeoutMinutes,
    maxConcurrent,
    ...(profile.tags.length === 0 ? {} : { tags: profile.tags }),
    ...(profile.accessLevel === 'ref_protected' ? { accessLevel: profile.accessLevel } : {}),
    ...(profile.type === 'EC2' && profile.runnerTokenSecretArn !== undefined ? { longLived: true } : {}),
    ...(functionArn === undefined ? {} : { functionArn }),
    ...(profile.type === 'LAMBDA' && profile.isolateProjects ? { isolateProjects: true } : {}),
  };
}

export type DeployedTemplate = {
  readonly launchTemplateId: string;
  readonly launchTemplateVersion: string;
  readonly hostRoleId: string;
};

/** What the launcher knows of an EC2 profile. */
export function launchEntryOf(profile: Ec2Profile, template: DeployedTemplate) {
  const { onDemand, maxPriceUsd, subnetIds, resourceTags } = profile;
  const tags = Object.keys(resourceTags).length === 0 ? {} : { tags: resourceTags };
  return { ...template, instanceTypes: [...instanceTypesOf(profile)], onDemand, maxPriceUsd, subnetIds, ...tags };
}

/**
 * What is said of GitLab Runner to the function of a LAMBDA profile, as an environment variable; undefined when nothing
 * is.
 */
export function runnerSettingsVariableOf(profile: LambdaProfile, gitlab: GitLabConnection = {}): string | undefined {
  const text = JSON.stringify({ ...connectionSettingsOf(gitlab), ...withGitTrust(runnerSettingsOf(profile), gitlab) });
  return text === '{}' ? undefined : text;
}

/**
 * For all variables of a function together. Source:
 * https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html
 */
export const mostEnvironmentBytes = 4_096;

/**
 * Bytes of a function's variables as Lambda counts them: of the JSON object that they are, in which each quote of a
 * value takes two.
 * Source: Lambda's refusal, which ends with the "String measured"
 * (https://github.com/github-aws-runners/terraform-aws-github-runner/issues/3594).
 */
export function environmentBytesOf(variables: Readonly<Record<string, string>>): number {
  return new TextEncoder().encode(JSON.stringify(variables)).length;
}

/** The longest that a name or ARN made at deploy time becomes. */
const longest = {
  functionArn: `arn:aws-us-gov:lambda:ap-southeast-2:123456789012:function:${'f'.repeat(64)}`,
  template: {
    launchTemplateId: 'lt-0123456789abcdef0',
    launchTemplateVersion: '1000',
    hostRoleId: 'AROA0123456789ABCDEFG',
  },
  /** Of the launcher, all variables beside those that are measured: the deployment's name, tables, queues, bus. */
  othersOfLauncherBytes: 830,
  /** Of the reconciler, which has most of those that route: the default runner, the secret's ARN and the limits too. */
  othersOfReconcilerBytes: 1_130,
};

/**
 * The variables PROFILES and LAUNCH_PROFILES of the autoscaler, before anything is deployed: as long as they can
 * become.
 */
export function expectedVariablesOf(profiles: Profiles) {
  const entries = Object.entries(profiles);
  const routing = entries.map(([name, profile]) => {
    return [name, routingEntryOf(profile, profile.type === 'LAMBDA' ? longest.functionArn : undefined)];
  });
  const launch = entries.flatMap(([name, profile]) => {
    return profile.type === 'EC2' ? [[name, launchEntryOf(profile, longest.template)]] : [];
  });
  return {
    PROFILES: JSON.stringify(Object.fromEntries(routing)),
    LAUNCH_PROFILES: JSON.stringify(Object.fromEntries(launch)),
  };
}

/**
 * Says what would not fit into Lambda's environment. The others are variables of the deployment beside the profiles'.
 */
export function environmentFaults(
  profiles: Profiles,
  others: {
    readonly gitlabUrl: string;
    readonly trustsCaCertificates?: boolean;
    readonly subnetIds: readonly string[];
    readonly allowedProjects?: readonly string[];
    readonly resourceTags?: Readonly<Record<string, string>>;
  },
): Fault[] {
  const { PROFILES, LAUNCH_PROFILES } = expectedVariablesOf(profiles);
  const trust = others.trustsCaCertificates ? trustVariables : {};
  const PROJECTS = JSON.stringify(others.allowedProjects ?? []);
  const routing = { PROFILES, PROJECTS, GITLAB_URL: others.gitlabUrl, ...trust };
  const routingBytes = environmentBytesOf(routing) + longest.othersOfReconcilerBytes;
  const SUBNET_IDS = others.subnetIds.join(',');
  const RESOURCE_TAGS = JSON.stringify(others.resourceTags ?? {});
  const launchBytes =
    environmentBytesOf({ LAUNCH_PROFILES, SUBNET_IDS, RESOURCE_TAGS }) + longest.othersOfLauncherBytes;
  const tooMany = (bytes: number, whose: string, remedy: string): Fault[] => {
    if (bytes <= mostEnvironmentBytes) return [];
    const message = `are too many for the environment of the function that ${whose}: ${bytes} bytes, and Lambda gives ${mostEnvironmentBytes}; ${remedy}`;
    return [{ path: ['profiles'], message }];
  };
  return [
    ...tooMany(
      routingBytes,
      'looks for waiting jobs',
      'use fewer profiles, shorter names and tags, groups (group/**) as allowedProjects, or make a second deployment',
    ),
    ...tooMany(
      launchBytes,
      'launches instances',
      'use fewer EC2 profiles, instanceTypes, subnetIds or resourceTags, or make a second deployment',
    ),
  ];
}

/** In a runner's function, beside the value of `RUNNER_SETTINGS`: its name, and the ARN of the job's role. */
const othersOfRunnerBytes = 400;
/** Of the 16 KiB of user data, what the boot script and its own settings leave. */
export const mostBootTextBytes = 6_144;

/**
 * Says whether the texts that a profile gives its runners fit where they are kept: a function's environment, an
 * instance's user data.
 */
export function runnerTextFaults(profile: Profile, gitlab: GitLabConnection = {}): Fault[] {
  const where = 'environment, hooks, docker, registries and runnerConfig';
  if (profile.type === 'LAMBDA') {
    const RUNNER_SETTINGS = runnerSettingsVariableOf(profile, gitlab) ?? '';
    const trust = gitlab.caCertificates === undefined ? {} : trustVariables;
    const bytes = environmentBytesOf({ RUNNER_SETTINGS, ...trust }) + othersOfRunnerBytes;
    if (bytes <= mostEnvironmentBytes) return [];
    const message = `environment, hooks and runnerConfig make ${bytes} bytes of the function's environment, and Lambda gives ${mostEnvironmentBytes}; say less, or put it into the image`;
    return [{ path: [], message }];
  }
  const text =
    JSON.stringify(runnerSettingsOf(profile)) + dockerConfigOf(profile.registries) + (profile.hooks.boot ?? '');
  // A quote takes four bytes where the script holds the text.
  const bytes = new TextEncoder().encode(text.replaceAll("'", "'\\''")).length;
  if (bytes <= mostBootTextBytes) return [];
  const message = `${where} make ${bytes} bytes of the instances' user data, and ${mostBootTextBytes} fit; say less, or put it into an AMI of your own`;
  return [{ path: [], message }];
}
