import { dockerSchema, type Ec2Profile } from './deployment-ec2-profile.ts';
import { isSettings } from './deployment-extends.ts';
import type { Fault } from './deployment-faults.ts';
import type { LambdaProfile } from './deployment-lambda-profile.ts';

type Profile = Ec2Profile | LambdaProfile;

/** Keys of GitLab Runner's `[[runners]]` section and their values, ready to be written as TOML or JSON. */
export type RunnerSettings = Readonly<Record<string, unknown>>;

export type CacheBucket = { readonly name: string; readonly region: string };

/**
 * What a profile says of its runners in GitLab Runner's own words: everything of the `[[runners]]` section but what a host adds itself
 * (`decidedByHost`). The bucket is for profiles that have a cache.
 * Source: https://docs.gitlab.com/runner/configuration/advanced-configuration/
 */
export function runnerSettingsOf(profile: Profile, bucket?: CacheBucket): RunnerSettings {
  const { environment, hooks, outputLimitKiB, runnerConfig } = profile;
  const own = {
    environment: listOrNothing(Object.entries(environment).map(([name, value]) => `${name}=${value}`)),
    output_limit: outputLimitKiB,
    pre_get_sources_script: hooks.preGetSources,
    post_get_sources_script: hooks.postGetSources,
    pre_build_script: hooks.preBuild,
    post_build_script: hooks.postBuild,
    ...(profile.type === 'EC2' ? hostSettingsOf(profile, bucket) : {}),
  };
  return overlay(own, runnerConfig);
}

function hostSettingsOf(profile: Ec2Profile, bucket: CacheBucket | undefined) {
  return {
    job_status_final_update_retry_limit: 10,
    docker: profile.executor === 'docker' ? dockerSettingsOf(profile) : undefined,
    cache: profile.cache && bucket ? cacheSettingsOf(profile.cache.prefix, bucket) : undefined,
  };
}

function dockerSettingsOf({ docker }: Ec2Profile) {
  const { image, privileged, hostSocket, volumes, pullPolicies, services, capAdd, shmSizeMiB } =
    docker ?? dockerSchema.parse({});
  // Docker-in-docker shares its certificates by the second one.
  const mounts = volumes ?? (privileged ? ['/cache', '/certs/client'] : hostSocket ? ['/cache'] : []);
  return {
    image,
    privileged,
    volumes: listOrNothing(hostSocket ? [...mounts, '/var/run/docker.sock:/var/run/docker.sock'] : mounts),
    services: listOrNothing(services),
    cap_add: listOrNothing(capAdd),
    shm_size: shmSizeMiB && shmSizeMiB * bytesPerMiB,
    pull_policy: pullPolicies,
    allowed_pull_policies: [...new Set(['always', 'if-not-present', ...pullPolicies])],
  };
}

const bytesPerMiB = 1_048_576;

/** `Shared`: without it each runner would have a cache of its own, and here each runner is for one job. */
function cacheSettingsOf(prefix: string, { name, region }: CacheBucket) {
  return {
    Type: 's3',
    Path: prefix,
    Shared: true,
    s3: { BucketName: name, BucketLocation: region, AuthenticationType: 'iam' },
  };
}

/** `above` over `below`, key by key; what is undefined is left out. */
function overlay(below: RunnerSettings, above: RunnerSettings): RunnerSettings {
  const merged = Object.entries({ ...below, ...above }).map(([key, value]) => {
    const [under, over] = [below[key], above[key]];
    return [key, isSettings(under) ? overlay(under, isSettings(over) ? over : {}) : value] as const;
  });
  return Object.fromEntries(merged.filter(([, value]) => value !== undefined));
}

function listOrNothing<Entry>(list: readonly Entry[]): readonly Entry[] | undefined {
  return list.length > 0 ? list : undefined;
}

/** What each host writes itself: who it is, and where its job works. */
const decidedByHost = [
  'id',
  'name',
  'url',
  'token',
  'token_obtained_at',
  'token_expires_at',
  'shell',
  'builds_dir',
  'cache_dir',
];

/** Settings of GitLab Runner that a profile has a setting of its own for. */
const saidElsewhere: Readonly<Record<string, string>> = {
  environment: 'environment',
  output_limit: 'outputLimitKiB',
  pre_get_sources_script: 'hooks.preGetSources',
  post_get_sources_script: 'hooks.postGetSources',
  pre_build_script: 'hooks.preBuild',
  post_build_script: 'hooks.postBuild',
};
const saidElsewhereOfHosts: Readonly<Record<string, string>> = {
  executor: 'executor',
  cache: 'cache',
  'docker.image': 'docker.image',
  'docker.privileged': 'docker.privileged',
  'docker.volumes': 'docker.volumes',
  'docker.pull_policy': 'docker.pullPolicies',
  'docker.services': 'docker.services',
  'docker.cap_add': 'docker.capAdd',
  'docker.shm_size': 'docker.shmSizeMiB',
};

/** What is wrong with a profile's `runnerConfig`: keys that are not its own to set, and values that TOML has not. */
export function runnerConfigFaults(profile: Profile): Fault[] {
  const isHost = profile.type === 'EC2';
  const elsewhere = { ...saidElsewhere, ...(isHost ? saidElsewhereOfHosts : {}) };
  const decided = isHost ? decidedByHost : [...decidedByHost, 'executor'];
  const faultOf = (path: readonly string[], value: unknown): Fault[] => {
    const at = ['runnerConfig', ...path];
    const key = path.join('.');
    if (decided.includes(key)) return [{ path: at, message: 'each host writes this itself; remove it' }];
    const place = Object.hasOwn(elsewhere, key) ? elsewhere[key] : undefined;
    if (place) return [{ path: at, message: `the profile has a setting for this; write it as "${place}"` }];
    if (value === null) return [{ path: at, message: 'is null, which GitLab Runner does not know; remove it' }];
    if (key === 'docker' && !(isHost && profile.executor === 'docker')) {
      return [{ path: at, message: 'has no effect without the docker executor; remove it' }];
    }
    if (typeof value !== 'object') return [];
    return Object.entries(value).flatMap(([name, inner]) => faultOf([...path, name], inner));
  };
  return Object.entries(profile.runnerConfig).flatMap(([key, value]) => faultOf([key], value));
}
