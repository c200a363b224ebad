import { parse, stringify, type TomlTable, type TomlValue } from 'smol-toml';
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
  /** How often the end of a job is reported that GitLab does not take. */
  readonly finalUpdateTries: number;
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
}

export class RunnerSettingsError extends Error {
  override readonly name = 'RunnerSettingsError';
}

const defaultOutputLimitKilobytes = 4096;
const defaultFinalUpdateTries = 10;

/**
 * The `[[runners]]` entries of a config.toml, in its order. Keys count without regard to case, as in the released
 * binary, where it differs from start to start which of two such keys wins.
 * @throws RunnerSettingsError when the text is not TOML, or a value has another type than the released binary takes.
 */
export function readConfigFile(toml: string): readonly RunnerSettings[] {
  return runnerTables(parseToml(toml)).map((table) => {
    const text = (key: string): string => readValue(table, key, 'string', isText) ?? '';
    const whole = (key: string): number => readValue(table, key, 'integer', isNumber) ?? 0;
    return {
      name: text('name'),
      url: text('url'),
      token: text('token'),
      executor: text('executor'),
      shell: text('shell') || 'bash',
      buildsDir: text('builds_dir') || './builds',
      cacheDir: text('cache_dir') || './cache',
      environment: readValue(table, 'environment', 'slice', isTextList) ?? [],
      outputLimitKilobytes: whole('output_limit') || defaultOutputLimitKilobytes,
      finalUpdateTries: whole('job_status_final_update_retry_limit') || defaultFinalUpdateTries,
      hooks: {
        preGetSources: text('pre_get_sources_script'),
        postGetSources: text('post_get_sources_script'),
        preBuild: text('pre_build_script'),
        postBuild: text('post_build_script'),
      },
    };
  });
}

/** The config.toml without the runners of these names: what `unregister` leaves behind. */
export function removeRunners(toml: string, names: ReadonlySet<string>): string {
  const document = parseToml(toml);
  const kept = runnerTables(document).filter((table) => !names.has(String(table.name)));
  return stringify({ ...document, runners: kept });
}

/**
 * Finds the runner that `-r NAME` asks for. As in the released binary, every other runner flag is then ignored.
 * @throws RunnerSettingsError when the file has no such runner.
 */
export function findRunner(runners: readonly RunnerSettings[], name: string): RunnerSettings {
  const found = runners.find((runner) => runner.name === name);
  if (found === undefined) {
    throw new RunnerSettingsError(`Error loading runner by name: could not find a runner with the name '${name}'`);
  }
  return found;
}

/** The runner that flags describe; its token may also come from the environment. */
export function runnerFromFlags(
  flags: CommandLine['flags'],
  env: Readonly<Record<string, string | undefined>>,
): RunnerSettings {
  return {
    name: '',
    url: flags.url ?? '',
    token: flags.token || env.CI_SERVER_TOKEN || '',
    executor: flags.executor ?? '',
    shell: flags.shell || 'bash',
    buildsDir: flags['builds-dir'] || './builds',
    cacheDir: flags['cache-dir'] || './cache',
    environment: [],
    outputLimitKilobytes: defaultOutputLimitKilobytes,
    finalUpdateTries: Number(flags['job-status-final-update-retry-limit'] ?? 0) || defaultFinalUpdateTries,
    hooks: { preGetSources: '', postGetSources: '', preBuild: '', postBuild: '' },
  };
}

/** @throws RunnerSettingsError naming the first thing without which no job can be asked for. */
export function checkRunner(runner: RunnerSettings): void {
  if (runner.url === '') throw new RunnerSettingsError('Missing URL');
  if (runner.token === '') throw new RunnerSettingsError('Missing Token');
  if (runner.executor === '') throw new RunnerSettingsError('Missing Executor');
  if (runner.executor !== 'shell' && runner.executor !== 'docker') {
    throw new RunnerSettingsError(`Unknown executor: ${runner.executor}`);
  }
}

export function readRunLimits({ flags }: CommandLine): RunLimits {
  return {
    maxBuilds: Number(flags['max-builds'] ?? 0),
    waitTimeoutSeconds: Number(flags['wait-timeout'] ?? 0),
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
  return readValue(document, 'runners', 'slice', isTableList) ?? [];
}

function readValue<Value extends TomlValue>(
  table: TomlTable,
  key: string,
  type: string,
  fits: (value: TomlValue) => value is Value,
): Value | undefined {
  const value = Object.entries(table).findLast(([name]) => name.toLowerCase() === key)?.[1];
  if (value === undefined || fits(value)) return value;
  const types = `TOML value has type ${Array.isArray(value) ? 'slice' : typeof value}; destination has type ${type}`;
  throw new RunnerSettingsError(
    `Error loading config: decoding configuration file: toml: (last key "${key}"): incompatible types: ${types}`,
  );
}

const isText = (value: TomlValue): value is string => typeof value === 'string';
const isNumber = (value: TomlValue): value is number => typeof value === 'number' && Number.isInteger(value);
const isTextList = (value: TomlValue): value is string[] => Array.isArray(value) && value.every(isText);
const isTableList = (value: TomlValue): value is TomlTable[] => Array.isArray(value) && value.every(isTable);

function isTable(value: TomlValue): value is TomlTable {
  return typeof value === 'object' && !Array.isArray(value) && !(value instanceof Date);
}
