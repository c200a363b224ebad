import {
  featureFlags,
  managerKeys,
  otherExecutors,
  type RunnerKeys,
  type RunnerValue,
  runnerKeys,
  runnerKeysVersion,
  topKeys,
} from '../../gitlab-runner/gitlab-runner-keys.ts';
import type { Fault } from '../faults.ts';
import { stateOf } from '../messages.ts';
import { nearestOf } from '../nearest-name.ts';
import type { Ec2Profile } from '../profiles/ec2-profile.ts';
import { isSettings } from '../profiles/extends.ts';
import type { LambdaProfile } from '../profiles/lambda-profile.ts';
import { runnerValueFaults } from './runner-values.ts';

type Profile = Ec2Profile | LambdaProfile;
type Path = readonly string[];

/** Why a key of GitLab Runner is not the profile's to set, and what to do instead; by the key, as dots join it. */
type Refusals = Readonly<Record<string, string>>;

const refuseAll = (keys: readonly string[], message: string): Refusals =>
  Object.fromEntries(keys.map((key) => [key, message]));

const own = (setting: string) => `the profile has a setting for this; write it as "${setting}"`;

/** Who a host is, it alone knows. */
const decidedByHost = refuseAll(
  ['id', 'name', 'url', 'token', 'token_obtained_at', 'token_expires_at'],
  'each host writes this itself; remove it',
);
const placesOfShell = refuseAll(['shell', 'builds_dir', 'cache_dir'], 'each host writes this itself; remove it');
const placesOfDocker: Refusals = {
  shell: own('docker.shell'),
  builds_dir: own('docker.buildsDir'),
  cache_dir: own('docker.cacheDir'),
};

const onceOnly = 'is for a runner that waits for jobs all day, and ours take one each; it would do nothing: remove it';
const noWayIn = 'nothing reaches a runner of ours from outside, so it would do nothing; to look into a host write';
/** What would do nothing where `runnerConfig` is written. */
const withoutEffect: Refusals = {
  ...refuseAll(topKeys, onceOnly),
  ...refuseAll(managerKeys, onceOnly),
  concurrent: 'each runner takes one job; how many may run at the same time is "maxConcurrent"',
  limit: 'each runner takes one job; how many may run at the same time is "maxConcurrent"',
  log_level:
    'is no key of [[runners]], and hosts need the log as it is; for more of a job set CI_DEBUG_TRACE in GitLab',
  log_format: 'is no key of [[runners]], and hosts need the log as it is; remove it',
  session_server: `${noWayIn} "sessionManager" or "ssh"`,
  listen_address: `${noWayIn} "sessionManager" or "ssh"`,
  runners: 'this is the [[runners]] section already; write its keys without it',
  ...refuseAll(otherExecutors, 'is for an executor that we do not have; remove it'),
};

/** Settings of GitLab Runner that a profile, or the deployment, has a setting of its own for. */
const saidElsewhere: Refusals = {
  environment: own('environment'),
  output_limit: own('outputLimitKiB'),
  pre_get_sources_script: own('hooks.preGetSources'),
  post_get_sources_script: own('hooks.postGetSources'),
  pre_build_script: own('hooks.preBuild'),
  post_build_script: own('hooks.postBuild'),
  'tls-ca-file': 'the deployment has a setting for this; write the certificates into "gitlab.caCertificates"',
};
const saidElsewhereOfHosts: Refusals = {
  executor: own('executor'),
  cache: own('cache'),
  'docker.image': own('docker.image'),
  'docker.privileged': own('docker.privileged'),
  'docker.volumes': own('docker.volumes'),
  'docker.pull_policy': own('docker.pullPolicies'),
  'docker.services': own('docker.services'),
  'docker.cap_add': own('docker.capAdd'),
  'docker.shm_size': own('docker.shmSizeMiB'),
};
const noDocker: Refusals = { docker: 'has no effect without the docker executor; remove it' };

function refusalsOf(profile: Profile): Refusals {
  const common = { ...withoutEffect, ...decidedByHost, ...saidElsewhere };
  if (profile.type === 'LAMBDA')
    return { ...common, ...placesOfShell, executor: decidedByHost.name ?? '', ...noDocker };
  return {
    ...common,
    ...saidElsewhereOfHosts,
    ...(profile.executor === 'docker' ? placesOfDocker : { ...placesOfShell, ...noDocker }),
  };
}

/**
 * What is wrong with a profile's `runnerConfig`. GitLab Runner ignores a key that it does not know, ends when a value
 * is of another type, and does not tell upper from lower case: of `Limit` and `limit`, which one counts differs from
 * start to start.
 */
export function runnerConfigFaults(profile: Profile): Fault[] {
  const refusals = refusalsOf(profile);
  const inTable = (keys: RunnerKeys, settings: Readonly<Record<string, unknown>>, at: Path, known: Path): Fault[] =>
    Object.entries(settings).flatMap(([key, value]) => inKey(keys, key, value, [...at, key], known));
  const inKey = (keys: RunnerKeys, key: string, value: unknown, at: Path, known: Path): Fault[] => {
    const fault = (message: string): Fault[] => [{ path: ['runnerConfig', ...at], message }];
    const meant = sameWord(key, [...Object.keys(keys), ...lastWordsBelow(known, Object.keys(refusals))]);
    const refusal = meant === undefined ? undefined : refusals[[...known, meant].join('.')];
    if (refusal !== undefined) return fault(refusal);
    if (meant === undefined) return fault(`GitLab Runner ${runnerKeysVersion} has no such key; ${remedyOf(key, keys)}`);
    if (meant !== key)
      return fault(`GitLab Runner takes this for "${meant}", whatever the case; write it as "${meant}"`);
    if (value === null) return fault('is null, which GitLab Runner does not know; remove it');
    const expected = keys[meant] as RunnerKeys[string];
    if (typeof expected === 'string') return [...inValue(expected, value, at), ...inNames(meant, value, at)];
    return isSettings(value)
      ? inTable(expected, value, at, [...known, meant])
      : fault(`${stateOf(value)}; write an object`);
  };
  return inTable(runnerKeys, profile.runnerConfig, [], []);
}

function inValue(expected: RunnerValue, value: unknown, at: Path): Fault[] {
  return runnerValueFaults(expected, value).map(({ path, message }) => ({
    path: ['runnerConfig', ...at, ...path],
    message,
  }));
}

/**
 * Names that GitLab Runner does not leave to whoever writes them: it ignores other flags, and ends at another form of a
 * label.
 */
function inNames(key: string, table: unknown, at: Path): Fault[] {
  if (!isSettings(table)) return [];
  const whyNot = key === 'feature_flags' ? whyNoFlag : key === 'labels' ? whyNoLabel : () => undefined;
  return Object.entries(table).flatMap(([name, value]) => {
    const message = whyNot(name, value);
    return message === undefined ? [] : [{ path: ['runnerConfig', ...at, name], message }];
  });
}

function whyNoFlag(name: string): string | undefined {
  if (featureFlags.includes(name)) return undefined;
  const nearest = nearestOf(name, featureFlags);
  const remedy = nearest ? `did you mean "${nearest}"?` : 'remove it';
  return `GitLab Runner ${runnerKeysVersion} has no such feature flag; ${remedy}`;
}

/** Source: `common/labels.go` of gitlab-runner. */
function whyNoLabel(name: string, value: unknown): string | undefined {
  const isFine = /^\w[\w.-]{2,64}$/.test(name) && (typeof value !== 'string' || /^[\w.-]{1,256}$/.test(value));
  return isFine ? undefined : 'a label has letters, digits and _.- only, at least three in its name; write it so';
}

function sameWord(key: string, words: readonly string[]): string | undefined {
  return words.find((word) => word === key) ?? words.find((word) => word.toLowerCase() === key.toLowerCase());
}

/** Of `docker.image` below `docker`: `image`. */
function lastWordsBelow(known: Path, keys: readonly string[]): readonly string[] {
  const prefix = known.map((word) => `${word}.`).join('');
  return keys.filter((key) => key.startsWith(prefix)).map((key) => key.slice(prefix.length));
}

const documentation = 'https://docs.gitlab.com/runner/configuration/advanced-configuration/';

function remedyOf(key: string, keys: RunnerKeys): string {
  const nearest = nearestOf(key, Object.keys(keys)) ?? placeOf(key, runnerKeys);
  return nearest ? `did you mean "${nearest}"?` : `those that there are: ${documentation}`;
}

/** Where a key is that was written in another table, such as `docker.memory`. */
function placeOf(key: string, keys: RunnerKeys): string | undefined {
  for (const [name, inner] of Object.entries(keys)) {
    if (name === key) return name;
    const below = typeof inner === 'string' ? undefined : placeOf(key, inner);
    if (below !== undefined) return `${name}.${below}`;
  }
  return undefined;
}
