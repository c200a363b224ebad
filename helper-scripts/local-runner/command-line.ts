import { type GoFlag, GoFlagError, parseGoFlags, reorderFlags } from './go-flags.ts';

const runnerCommands = ['run-single', 'verify', 'unregister'] as const;
export type RunnerCommand = (typeof runnerCommands)[number];

const logFormats = ['runner', 'text', 'json'] as const;
export type LogFormat = (typeof logFormats)[number];

const logLevels = ['debug', 'info', 'warn', 'error', 'fatal', 'panic'] as const;
/** The least that is logged. */
export type LogThreshold = (typeof logLevels)[number];

/** What stands before the command: for all commands alike. */
export interface GlobalFlags {
  readonly version: boolean;
  readonly logFormat: LogFormat;
  readonly logLevel: LogThreshold;
  /** The command and what is behind it. */
  readonly rest: readonly string[];
}

/** What was asked for; flags that were not given are absent. */
export interface CommandLine {
  readonly command: RunnerCommand;
  readonly flags: Readonly<Record<string, string>>;
}

type Environment = Readonly<Record<string, string | undefined>>;

export class CommandLineError extends Error {
  override readonly name = 'CommandLineError';
}

const text = (...names: string[]): GoFlag => ({ names, value: 'text' });
const integer = (...names: string[]): GoFlag => ({ names, value: 'integer' });

const globalFlags: readonly GoFlag[] = [
  { names: ['debug'], value: 'switch' },
  text('log-format'),
  text('l', 'log-level'),
  { names: ['v', 'version'], value: 'switch' },
];

const configFlag = text('c', 'config');

/** Those that recordings of the released binary have; it has many more, of which nobody has seen what they do. */
const commandFlags: Readonly<Record<RunnerCommand, readonly GoFlag[]>> = {
  'run-single': [
    configFlag,
    text('r', 'runner'),
    text('u', 'url'),
    text('t', 'token'),
    text('executor'),
    text('shell'),
    text('builds-dir'),
    text('cache-dir'),
    text('tls-ca-file'),
    integer('max-builds'),
    integer('wait-timeout'),
    integer('job-status-final-update-retry-limit'),
    integer('shutdown-timeout'),
  ],
  verify: [configFlag],
  unregister: [configFlag, text('n', 'name')],
};

/**
 * Reads what is before the command, without the program's own name. What is said there wins over the environment.
 * @throws GoFlagError for a flag that no command has, or that stands behind the command only.
 * @throws CommandLineError for a format or level that does not exist.
 */
export function readGlobalFlags(args: readonly string[], env: Environment): GlobalFlags {
  const { values, rest } = parseGoFlags(globalFlags, args);
  return {
    version: values.version !== undefined,
    logFormat: oneOf(logFormats, 'log format', (values['log-format'] ?? env.LOG_FORMAT) || 'runner'),
    logLevel: values.debug === undefined ? oneOf(logLevels, 'log level', values['log-level'] ?? 'info') : 'debug',
    rest,
  };
}

/**
 * Reads the command and its flags; words between and behind them are ignored, as the released binary does.
 * @throws CommandLineError, in the released binary's words, for what it refuses and what this stand-in does not know.
 */
export function readCommand([name = '', ...args]: readonly string[]): CommandLine {
  const command = runnerCommands.find((known) => known === name);
  if (command === undefined) throw new CommandLineError(`Command ${name} not found.`);
  const flags = commandFlags[command];
  try {
    return { command, flags: parseGoFlags(flags, reorderFlags(flags, args)).values };
  } catch (error) {
    if (error instanceof GoFlagError) throw new CommandLineError(error.message, { cause: error });
    throw error;
  }
}

function oneOf<Known extends string>(known: readonly Known[], what: string, value: string): Known {
  const found = known.find((one) => one === value);
  if (found !== undefined) return found;
  throw new CommandLineError(`Error while setting up logging configuration: ${what} "${value}" is none of ${known}`);
}
