import { parse, stringify, type TomlTable } from 'smol-toml';
import type { CommandLine } from './command-line.ts';

/** Everything that one `[[runners]]` entry, or the flags in its place, says. */
export interface RunnerSettings {
  readonly name: string;
  readonly url: string;
  readonly token: string;
  readonly executor: string;
  readonly shell: string;
  readonly buildsDir: string;
  readonly cacheDir: string;
  readonly environment: readonly string[];
  readonly outputLimitKilobytes: number;
  readonly hooks: RunnerHooks;
}

/** Scripts of the runner's own around each job's; empty for none. */
export interface RunnerHooks {
  readonly preGetSources: string;
  readonly postGetSources: string;
  readonly preBuild: string;
  readonly postBuild: string;
}

/** What only the command line decides, also when the runner comes from a file. */
export interface RunLimits {
  /** 0 means without end. */
  readonly maxBuilds: number;
  /** 0 means without end. */
  readonly waitTimeoutSeconds: number;
  readonly finalUpdateRetryLimit: number;
}

export class RunnerSettingsError extends Error {
  override readonly name = 'RunnerSettingsError';
}

const defaultOutputLimitKilobytes = 4096;
const defaultFinalUpdateRetryLimit = 10;

/**
 * The `[[runners]]` entries of a config.toml, in its order.
 * @throws RunnerSettingsError when the text is not TOML.
 */
export function readConfigFile(toml: string): readonly RunnerSettings[] {
  return runnerTables(parseToml(toml)).map((table) => ({
    name: textOf(table.name),
    url: textOf(table.url),
    token: textOf(table.token),
    executor: textOf(table.executor),
    shell: textOf(table.shell) || 'bash',
    buildsDir: textOf(table.builds_dir) || './builds',
    cacheDir: textOf(table.cache_dir) || './cache',
    environment: Array.isArray(table.environment) ? table.environment.map(textOf) : [],
    outputLimitKilobytes: Number(table.output_limit ?? 0) || defaultOutputLimitKilobytes,
    hooks: {
      preGetSources: textOf(table.pre_get_sources_script),
      postGetSources: textOf(table.post_get_sources_script),
      preBuild: textOf(table.pre_build_script),
      postBuild: textOf(table.post_build_script),
    },
  }));
}

/** The config.toml without the runners of these names: what `unregister` leaves behind. */
export function removeRunners(toml: string, names: ReadonlySet<string>): string {
  const document = parseToml(toml);
  const kept = runnerTables(document).filter((table) => !names.has(textOf(table.name)));
  return stringify({ ...document, runners: kept });
}

/**
 * Finds the runner that `-r NAME` asks for. As in the released binary, every other runner flag is then ignored.
 * @throws RunnerSettingsError when the file has no such runner.
 */
export function findRunner(runners: readonly RunnerSettings[], name: string): RunnerSettings {
  const found = runners.find((runner) => runner.name === name);
  if (found === undefined) {
    throw new RunnerSettingsError(`Error loading config: could not find a runner with the name "${name}"`);
  }
  return found;
}

/** The runner that flags and environment describe together; flags win. */
export function runnerFromFlags(line: CommandLine, env: Readonly<Record<string, string | undefined>>): RunnerSettings {
  const read = (flag: string, variable: string): string => line.flags[flag] || env[variable] || '';
  return {
    name: read('name', 'RUNNER_NAME'),
    url: read('url', 'CI_SERVER_URL'),
    token: read('token', 'CI_SERVER_TOKEN'),
    executor: read('executor', 'RUNNER_EXECUTOR'),
    shell: read('shell', 'RUNNER_SHELL') || 'bash',
    buildsDir: read('builds-dir', 'RUNNER_BUILDS_DIR') || './builds',
    cacheDir: read('cache-dir', 'RUNNER_CACHE_DIR') || './cache',
    environment: [],
    outputLimitKilobytes: Number(read('output-limit', 'RUNNER_OUTPUT_LIMIT')) || defaultOutputLimitKilobytes,
    hooks: {
      preGetSources: read('pre-get-sources-script', 'RUNNER_PRE_GET_SOURCES_SCRIPT'),
      postGetSources: read('post-get-sources-script', 'RUNNER_POST_GET_SOURCES_SCRIPT'),
      preBuild: read('pre-build-script', 'RUNNER_PRE_BUILD_SCRIPT'),
      postBuild: read('post-build-script', 'RUNNER_POST_BUILD_SCRIPT'),
    },
  };
}

/** @throws RunnerSettingsError naming the first thing without which no job can be asked for. */
export function checkRunner(runner: RunnerSettings): void {
  if (runner.url === '') throw new RunnerSettingsError('Missing URL');
  if (runner.token === '') throw new RunnerSettingsError('Missing Token');
  if (runner.executor === '') throw new RunnerSettingsError('Missing Executor');
  if (runner.executor !== 'shell' && runner.executor !== 'docker') {
    throw new RunnerSettingsError(`executor "${runner.executor}" is unknown: the stand-in takes shell or docker`);
  }
}

export function readRunLimits(line: CommandLine): RunLimits {
  const whole = (flag: string, otherwise: number): number => {
    const value = line.flags[flag];
    if (value === undefined) return otherwise;
    if (!/^\d+$/.test(value)) throw new RunnerSettingsError(`--${flag} is "${value}": give a whole number`);
    return Number(value);
  };
  return {
    maxBuilds: whole('max-builds', 0),
    waitTimeoutSeconds: whole('wait-timeout', 0),
    finalUpdateRetryLimit: whole('job-status-final-update-retry-limit', defaultFinalUpdateRetryLimit),
  };
}

const shortTokenLength = 9;

/** The part of a token that may be shown and that names the builds folder: no prefix, nine characters. */
export function shortenToken(token: string): string {
  return token.replace(/^gl(?:rt|cbt)-(?:t[123]_)?/, '').slice(0, shortTokenLength);
}

function parseToml(toml: string): TomlTable {
  try {
    return parse(toml);
  } catch (cause) {
    throw new RunnerSettingsError(`Error loading config: decoding configuration file: ${String(cause)}`, { cause });
  }
}

function runnerTables(document: TomlTable): readonly TomlTable[] {
  const { runners } = document;
  return Array.isArray(runners) ? runners.filter(isTable) : [];
}

function isTable(value: unknown): value is TomlTable {
  return typeof value === 'object' && value !== null && !Array.isArray(value) && !(value instanceof Date);
}

function textOf(value: unknown): string {
  return typeof value === 'string' ? value : '';
}
