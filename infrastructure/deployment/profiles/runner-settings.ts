import { dockerSchema, type Ec2Profile } from './ec2-profile.ts';
import { isSettings } from './extends.ts';
import type { LambdaProfile } from './lambda-profile.ts';

type Profile = Ec2Profile | LambdaProfile;
type Docker = NonNullable<Ec2Profile['docker']>;
type Cache = NonNullable<Ec2Profile['cache']>;

/** Keys of GitLab Runner's `[[runners]]` section and their values, ready to be written as TOML or JSON. */
export type RunnerSettings = Readonly<Record<string, unknown>>;

/** `prefix`: the folder of the profile's caches in it. */
export type CacheBucket = { readonly name: string; readonly region: string; readonly prefix: string };

/**
 * What a profile says of its runners in GitLab Runner's own words: everything of the `[[runners]]` section but what a
 * host adds itself (`decidedByHost`). The bucket is for profiles that have a cache.
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
    cache: profile.cache && bucket ? cacheSettingsOf(profile.cache, bucket) : undefined,
    ...(profile.executor === 'docker' ? placesOf(profile.docker ?? dockerSchema.parse({})) : {}),
  };
}

function dockerSettingsOf({ docker }: Ec2Profile) {
  const settings = docker ?? dockerSchema.parse({});
  const { image, privileged, pullPolicies, services, capAdd, shmSizeMiB } = settings;
  return {
    image,
    privileged,
    volumes: listOrNothing(mountsOf(settings)),
    services: listOrNothing(services),
    cap_add: listOrNothing(capAdd),
    shm_size: shmSizeMiB && shmSizeMiB * bytesPerMiB,
    pull_policy: pullPolicies,
    allowed_pull_policies: [...new Set(['always', 'if-not-present', ...pullPolicies])],
  };
}

const bytesPerMiB = 1_048_576;

/** Where the docker executor has the sources and the archives of caches, and by which shell it runs scripts. */
function placesOf({ buildsDir, cacheDir, shell, hostSocket }: Docker) {
  return { builds_dir: buildsDir ?? (hostSocket ? defaultBuildsDir : undefined), cache_dir: cacheDir, shell };
}

/** The docker executor's own. */
const defaultBuildsDir = '/builds';

/**
 * The host's docker mounts folders of the host: what a job of the host's socket mounts from its sources is there only
 * when the host has them too, at the same path. Without the socket gitlab-runner makes a volume of the sources itself,
 * and none of the cache.
 * Source: https://docs.gitlab.com/runner/configuration/advanced-configuration/ (`cache_dir`)
 */
function mountsOf({ volumes, privileged, hostSocket, buildsDir, cacheDir }: Docker): readonly string[] {
  // Docker-in-docker shares its certificates by the second one.
  const said = volumes ?? (privileged ? ['/cache', '/certs/client'] : hostSocket ? ['/cache'] : []);
  const places = hostSocket ? [buildsDir ?? defaultBuildsDir, cacheDir] : [cacheDir];
  const missing = places.filter((place) => place !== undefined).filter((place) => !isMounted(place, said));
  if (!hostSocket) return [...said, ...missing];
  return [...said, ...missing.map((place) => `${place}:${place}`), '/var/run/docker.sock:/var/run/docker.sock'];
}

function isMounted(place: string, mounts: readonly string[]): boolean {
  const inContainer = mounts.map((mount) => mount.split(':').slice(0, 2).at(-1) ?? '');
  return inContainer.some((folder) => place === folder || place.startsWith(`${folder}/`));
}

/** `Shared`: without it each runner would have a cache of its own, and here each runner is for one job. */
function cacheSettingsOf({ maxArchiveMiB }: Cache, { name, region, prefix }: CacheBucket) {
  return {
    Type: 's3',
    Path: prefix,
    Shared: true,
    MaxUploadedArchiveSize: maxArchiveMiB && maxArchiveMiB * bytesPerMiB,
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
