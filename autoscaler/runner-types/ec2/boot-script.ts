import { gzipSync } from 'node:zlib';
import { stringify } from 'smol-toml';
import type { Deployment } from '../../../infrastructure/deployment/deployment.ts';
import type { Ec2Profile } from '../../../infrastructure/deployment/profiles/ec2-profile.ts';
import { isSettings } from '../../../infrastructure/deployment/profiles/extends.ts';
import { dockerConfigOf } from '../../../infrastructure/deployment/profiles/registries.ts';
import {
  type CacheBucket,
  type RunnerSettings,
  runnerSettingsOf,
} from '../../../infrastructure/deployment/profiles/runner-settings.ts';
import { withGitTrust } from '../../../infrastructure/gitlab/git-trust.ts';
import { heldSeconds } from '../../runner-store/held.ts';

/** Limits of a host's life that no profile changes; tests shorten them. */
export type BootTimings = {
  /** Between two looks for a spot interruption; the notice comes two minutes ahead. */
  readonly spotCheckSeconds: number;
  /** From SIGTERM to SIGKILL: gitlab-runner itself gives up after 30 s. */
  readonly stopGraceSeconds: number;
  /** GitLab may hold a request for a job for 50 s, which the runner's own waiting time does not count. */
  readonly longPollSeconds: number;
  /** How long a host waits for its docker, which may start beside it; without one it ends before it takes a job. */
  readonly dockerSeconds: number;
  /**
   * On top of the job's own timeout: a job that ignores SIGTERM gets ten more minutes from gitlab-runner, uploads come
   * after.
   */
  readonly marginSeconds: number;
};

export const defaultBootTimings: BootTimings = {
  spotCheckSeconds: 5,
  stopGraceSeconds: 40,
  longPollSeconds: 55,
  dockerSeconds: 30,
  marginSeconds: 900,
};

/** What the boot script knows of its profile. The same for every host of the profile, and never a secret. */
export type BootSettings = {
  readonly deployment: string;
  /** Table of the tickets, keyed by `id`; a host's own ticket has the name that IAM gives to it. */
  readonly ticketsTable: string;
  /** Unique id of the hosts' role, the first half of that name; asking STS for it would cost a round trip. */
  readonly roleId: string;
  /** Asked of the metadata service when absent, which costs a little time. */
  readonly region?: string | undefined;
  readonly gitlabUrl: string;
  readonly executor: 'docker' | 'shell';
  /** What else gitlab-runner is told, in its own words. */
  readonly runnerSettings: RunnerSettings;
  /** In PEM; empty for those that the AMI trusts. */
  readonly caCertificates: string;
  /** The `config.json` of docker, without secrets; empty when the profile has no registries. */
  readonly dockerConfig: string;
  /** ARN of the secret with what else belongs into it; empty for none. */
  readonly registrySecretArn: string;
  /** Address of a mirror of Docker Hub; empty for none. */
  readonly registryMirror: string;
  /** Log group of the hosts' logs; empty for none. */
  readonly logGroup: string;
  /** How the name of the host's stream in it begins, in front of the instance's id. */
  readonly logPrefix?: string | undefined;
  /** A script of the profile's own, run before the ticket is claimed; empty for none. */
  readonly bootHook: string;
  /** How long the runner waits for a job before it gives up; a long poll of GitLab adds up to 50 s. */
  readonly waitTimeoutSeconds: number;
  /** How long after the script's start the ticket may still come. */
  readonly claimSeconds: number;
  /** How long after it was told that it is not its turn. */
  readonly heldSeconds: number;
  /** The runner's `maximum_timeout` in GitLab. */
  readonly maximumJobMinutes: number;
  readonly timings?: Partial<BootTimings>;
};

/** Source: https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/instancedata-add-user-data.html */
const mostUserDataBytes = 16_384;
/** Long enough for GitLab to hand the job out, short enough that a host without one costs next to nothing. */
const waitTimeoutSeconds = 60;
/** For the profile's own script. */
const bootHookSeconds = 120;
/** A ticket comes a second or two after the launch; a launch message that is delivered twice makes it minutes. */
const claimSeconds = 180;
/** The reconciler ends a host that waits for its turn before; this is for when it does not. */
const longestHeldSeconds = heldSeconds + 3 * 60;

/** Names that are known at deploy time only, as CDK tokens. */
export type BootNames = {
  readonly ticketsTable: string;
  readonly roleId: string;
  /** To spare each boot the question. */
  readonly region?: string | undefined;
  readonly logGroup: string;
  readonly logPrefix?: string | undefined;
  /** For a profile with a cache. */
  readonly cacheBucket?: CacheBucket | undefined;
};

/** The settings of a deployment's EC2 profile. */
export function bootSettingsOf(deployment: Deployment, profile: Ec2Profile, names: BootNames): BootSettings {
  const { ticketsTable, roleId, region, cacheBucket, logGroup, logPrefix } = names;
  const { url, cloneUrl, caCertificates } = deployment.gitlab;
  return {
    deployment: deployment.name,
    ticketsTable,
    roleId,
    region,
    gitlabUrl: url,
    executor: profile.executor,
    runnerSettings: {
      ...(cloneUrl ? { clone_url: cloneUrl } : {}),
      ...withGitTrust(runnerSettingsOf(profile, cacheBucket), deployment.gitlab),
    },
    caCertificates: caCertificates ?? '',
    dockerConfig: dockerConfigOf(profile.registries),
    registrySecretArn: profile.registries?.secretArn ?? '',
    registryMirror: profile.registries?.mirror ?? '',
    logGroup,
    logPrefix,
    bootHook: profile.hooks.boot ?? '',
    waitTimeoutSeconds,
    claimSeconds,
    heldSeconds: longestHeldSeconds,
    maximumJobMinutes: profile.timeoutMinutes,
  };
}

/** A value cannot go into the boot script; the message names it. */
export class BootSettingError extends Error {
  override readonly name = 'BootSettingError';
}

/** In boot.sh, between what must run whatever happens and what may be packed. */
const packedBelow = '# ---- compressed ----';
/**
 * The longest that a name made at deploy time becomes in place of CDK's token: those here are of tables, buckets and
 * log groups.
 */
const longestNameBytes = 160;
const tokenPattern = /\$\{Token\[[^\]]*\]\}/g;

/**
 * The user data of a profile's hosts: `source` (boot.sh) with the profile's settings in front, without its comment
 * lines, and compressed but for its beginning, since user data ends at 16 KiB. CDK tokens may stand in the texts: they
 * pass through the quotes unharmed.
 *
 * @throws {BootSettingError} when a text has control characters (a line break, above all), a number is not positive, or
 * all together is too long.
 */
export function renderBootScript(source: string, settings: BootSettings): string {
  const [shebang = '', ...lines] = source.split('\n');
  const timings = { ...defaultBootTimings, ...settings.timings };
  const variables = {
    deployment: text('deployment', settings.deployment),
    tickets_table: text('ticketsTable', settings.ticketsTable),
    role_id: text('roleId', settings.roleId),
    region: text('region', settings.region ?? ''),
    gitlab_url: text('gitlabUrl', settings.gitlabUrl),
    ca_certificates: script('caCertificates', settings.caCertificates),
    executor: text('executor', settings.executor),
    runner_settings: script('runnerSettings', renderRunnerSettings(settings.runnerSettings)),
    docker_config: text('dockerConfig', settings.dockerConfig),
    registry_secret: text('registrySecretArn', settings.registrySecretArn),
    registry_mirror: text('registryMirror', settings.registryMirror),
    log_group: text('logGroup', settings.logGroup),
    log_prefix: text('logPrefix', settings.logPrefix ?? ''),
    docker_host: text('runnerSettings.docker.host', dockerHostOf(settings.runnerSettings)),
    boot_hook: script('bootHook', settings.bootHook),
    boot_hook_seconds: settings.bootHook === '' ? '0' : seconds('bootHookSeconds', bootHookSeconds),
    wait_timeout_seconds: seconds('waitTimeoutSeconds', settings.waitTimeoutSeconds),
    claim_seconds: seconds('claimSeconds', settings.claimSeconds),
    held_seconds: seconds('heldSeconds', settings.heldSeconds),
    maximum_job_seconds: seconds('maximumJobMinutes', settings.maximumJobMinutes * 60),
    spot_check_seconds: seconds('timings.spotCheckSeconds', timings.spotCheckSeconds),
    stop_grace_seconds: seconds('timings.stopGraceSeconds', timings.stopGraceSeconds),
    long_poll_seconds: seconds('timings.longPollSeconds', timings.longPollSeconds),
    docker_seconds: seconds('timings.dockerSeconds', timings.dockerSeconds),
    margin_seconds: seconds('timings.marginSeconds', timings.marginSeconds),
  };
  const assignments = Object.entries(variables).map(([name, value]) => `${name}=${value}`);
  const userData = [shebang, ...assignments, ...packBelow(packedBelow, lines)].join('\n');
  const bytes = new TextEncoder().encode(userData.replaceAll(tokenPattern, 'x'.repeat(longestNameBytes))).length;
  if (bytes <= mostUserDataBytes) return userData;
  throw new BootSettingError(
    `The user data of the profile's hosts would be ${bytes} bytes, and EC2 takes ${mostUserDataBytes}: shorten the profile's hooks, ` +
      'environment, docker or runnerConfig, or gitlab.caCertificates, or put them into an AMI of your own (imageParameter)',
  );
}

/** Lines of code up to the mark, and what is below it as an `eval` of its compressed text. */
function packBelow(mark: string, lines: readonly string[]): string[] {
  const at = lines.indexOf(mark);
  const isCode = (line: string) => line.trim() !== '' && !/^\s*#/.test(line);
  const code = lines.slice(at + 1).filter(isCode);
  if (at === -1) return code;
  const packed = gzipSync(code.join('\n'), { level: 9 });
  // The operating system in the header: the same on every machine that synthesizes.
  packed[9] = 255;
  return [
    ...lines.slice(0, at).filter(isCode),
    `# autoscaler/runner-types/ec2/boot.sh; to read it: base64 -d <<<'...' | gzip -d`,
    `eval "$(base64 -d <<<'${packed.toString('base64')}' | gzip -d)"`,
    '',
  ];
}

/**
 * The rest of a config.toml whose last line is in its `[[runners]]` section: first the section's own keys, then the
 * tables inside.
 * Source: https://toml.io/en/v1.0.0#array-of-tables
 */
function renderRunnerSettings(settings: RunnerSettings): string {
  const entries = Object.entries(settings);
  const keys = stringify(Object.fromEntries(entries.filter(([, value]) => !isTable(value))));
  const tables = entries.filter(([, value]) => isTable(value));
  return tables.length === 0 ? keys : `${keys}\n${stringify({ runners: Object.fromEntries(tables) })}`;
}

/** The daemon that the profile's runners are told to use; empty for the image's own. */
function dockerHostOf({ docker }: RunnerSettings): string {
  return isSettings(docker) && typeof docker.host === 'string' ? docker.host : '';
}

function isTable(value: unknown): boolean {
  return isSettings(value) || (Array.isArray(value) && value.some(isSettings));
}

/** A word that bash takes literally: in single quotes nothing has a meaning but the quote itself. */
function text(name: string, value: string): string {
  if (/\p{Cc}/u.test(value)) {
    throw new BootSettingError(`${name} has a control character or a line break (${JSON.stringify(value)}): remove it`);
  }
  return quoted(value);
}

/** A text of several lines, for bash to take literally. */
function script(name: string, value: string): string {
  if (/[^\P{Cc}\n\t]/u.test(value)) {
    throw new BootSettingError(`${name} has a control character (${JSON.stringify(value)}): remove it`);
  }
  return quoted(value);
}

function quoted(value: string): string {
  return `'${value.replaceAll("'", "'\\''")}'`;
}

function seconds(name: string, value: number): string {
  if (!(Number.isFinite(value) && value > 0)) {
    throw new BootSettingError(`${name} is ${value}: give a number above zero`);
  }
  return String(Math.ceil(value));
}
