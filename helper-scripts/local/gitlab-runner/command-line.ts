import { parseArgs } from 'node:util';

const runnerCommands = ['run-single', 'verify', 'unregister'] as const;
export type RunnerCommand = (typeof runnerCommands)[number];
export type LogFormat = 'runner' | 'text' | 'json';

/** What was asked for on the command line; flags that were not given are absent, because the environment fills them in. */
export interface CommandLine {
  readonly command: RunnerCommand | 'version';
  readonly logFormat: LogFormat;
  readonly flags: Readonly<Record<string, string>>;
}

export class CommandLineError extends Error {
  override readonly name = 'CommandLineError';
}

const text = { type: 'string' } as const;
const flag = { type: 'boolean' } as const;

const globalOptions = {
  'log-format': text,
  'log-level': text,
  debug: flag,
  version: { ...flag, short: 'v' },
} as const;

const commandOptions = {
  config: { ...text, short: 'c' },
  runner: { ...text, short: 'r' },
  name: { ...text, short: 'n' },
  url: { ...text, short: 'u' },
  token: { ...text, short: 't' },
  executor: text,
  shell: text,
  'builds-dir': text,
  'cache-dir': text,
  'output-limit': text,
  'max-builds': text,
  'wait-timeout': text,
  'job-status-final-update-retry-limit': text,
  'shutdown-timeout': text,
  'all-runners': flag,
} as const;

/**
 * Reads the command line of gitlab-runner, without the program's own name. Flags may stand before or after the command.
 * @throws CommandLineError for anything that this stand-in does not know.
 */
export function parseCommandLine(args: readonly string[]): CommandLine {
  const { values, positionals } = readArguments(args);
  if (values.version) return { command: 'version', logFormat: 'runner', flags: {} };

  const [command, ...rest] = positionals;
  if (!isRunnerCommand(command) || rest.length > 0) {
    throw new CommandLineError(
      `cannot run "${positionals.join(' ')}": the stand-in for gitlab-runner knows ${runnerCommands.join(', ')} and --version`,
    );
  }
  const flags = Object.entries(values).flatMap(([name, value]) =>
    name in commandOptions && value !== undefined ? [[name, String(value)] as const] : [],
  );
  return { command, logFormat: readLogFormat(values['log-format']), flags: Object.fromEntries(flags) };
}

function readArguments(args: readonly string[]) {
  try {
    return parseArgs({
      args: [...args],
      options: { ...globalOptions, ...commandOptions },
      allowPositionals: true,
      strict: true,
    });
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new CommandLineError(`cannot read the command line of gitlab-runner: ${reason}`, { cause });
  }
}

function isRunnerCommand(name: string | undefined): name is RunnerCommand {
  return runnerCommands.some((known) => known === name);
}

function readLogFormat(value: string | undefined): LogFormat {
  if (value === undefined || value === 'runner') return 'runner';
  if (value === 'text' || value === 'json') return value;
  throw new CommandLineError(`--log-format is "${value}": use runner, text or json`);
}
