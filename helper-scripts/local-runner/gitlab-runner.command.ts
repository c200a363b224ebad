import { readFileSync } from 'node:fs';
import { userInfo } from 'node:os';
import { join } from 'node:path';
import { runnerSentences } from '../../infrastructure/gitlab-runner/runner-log-sentences.ts';
import { type CommandLine, CommandLineError, type GlobalFlags, readCommand, readGlobalFlags } from './command-line.ts';
import { GoFlagError } from './go-flags.ts';
import { Interrupts } from './interrupts.process.ts';
import { JobProtocol } from './job-protocol.client.ts';
import { type ManagedRunner, unregisterRunners, verifyRunners } from './manage-runner.process.ts';
import { runSingle } from './run-single.process.ts';
import { RunnerApi } from './runner-api.client.ts';
import {
  goArchitecture,
  runnerInfo,
  runnerRevision,
  runnerVersion,
  userAgent,
  versionText,
} from './runner-identity.ts';
import { type RunnerLog, runnerLog } from './runner-log.process.ts';
import {
  checkRunner,
  findRunner,
  type RunnerSettings,
  RunnerSettingsError,
  readConfigFile,
  readRunLimits,
  runnerFromFlags,
  shortenToken,
} from './runner-settings.ts';
import { readTimeScale, runnerTime } from './runner-time.process.ts';
import { findSystemId } from './system-id.process.ts';

/**
 * The stand-in for the program `gitlab-runner`: same commands, wire protocol, log and exit codes, without the binary.
 */

const platform = process.platform;
const architecture = goArchitecture(process.arch);
const nodeVersion = process.versions.node;
const write = (line: string): void => void process.stderr.write(line);

/** For the flag with which the released binary panics (17.11 to 19.3), so that nobody comes to depend on it here. */
class ShutdownTimeoutPanicError extends Error {
  override readonly name = 'ShutdownTimeoutPanicError';
}

async function main(args: readonly string[]): Promise<number> {
  const before = readBefore(args);
  if (before.version) {
    process.stdout.write(`${versionText(nodeVersion, platform, architecture)}\n`);
    return 0;
  }
  const log = runnerLog({ format: before.logFormat, threshold: before.logLevel }, write);
  if (!hasHome()) {
    log.fatal('homedir variable is not set: "HOME"');
    return 1;
  }
  log.info('Runtime platform', {
    arch: architecture,
    os: platform,
    pid: process.pid,
    revision: runnerRevision,
    version: runnerVersion,
  });
  try {
    const line = readCommand(before.rest);
    return await (line.command === 'run-single' ? runSingleCommand(line, log) : manageCommand(line, log));
  } catch (error) {
    if (!isRefusal(error)) throw error;
    log.fatal(error.message);
    return 1;
  }
}

/** As long as nobody has said how to log, the released binary logs as Go's logrus does by itself. */
function readBefore(args: readonly string[]): GlobalFlags {
  try {
    return readGlobalFlags(args, process.env);
  } catch (error) {
    if (!(error instanceof GoFlagError || error instanceof CommandLineError)) throw error;
    runnerLog({ format: 'text', threshold: 'info' }, write).fatal(error.message);
    return process.exit(1);
  }
}

function isRefusal(error: unknown): error is Error {
  return error instanceof CommandLineError || error instanceof RunnerSettingsError || error instanceof RangeError;
}

async function runSingleCommand(line: CommandLine, log: RunnerLog): Promise<number> {
  const time = runnerTime(readTimeScale(process.env));
  if (line.flags['shutdown-timeout'] !== undefined) throw new ShutdownTimeoutPanicError('reflect.Value.SetInt');
  const configFile = line.flags.runner === undefined ? undefined : (line.flags.config ?? defaultConfigFile());
  const settings = readRunSettings(line, configFile);
  checkRunner(settings);
  const limits = readRunLimits(line);
  const systemId = findSystemId(configFile, log);
  const named = log.with({ runner: shortenToken(settings.token), ...nameField(settings) });
  const info = runnerInfo(settings.executor, settings.shell, platform, architecture);
  const api = newApi(settings, log, time);
  const interrupts = new Interrupts(log, time, (code) => process.exit(code));
  interrupts.listen();
  log.info(`${runnerSentences.started.says}${settings.url} with token ${shortenToken(settings.token)} ...`);
  await runSingle(
    {
      settings,
      systemId,
      platform: `${platform}/${architecture}`,
      protocol: new JobProtocol(api, info, settings.token, systemId, named),
      interrupts,
      log,
      jobLog: named,
      time,
    },
    limits,
  );
  interrupts.done();
  return 0;
}

async function manageCommand(line: CommandLine, log: RunnerLog): Promise<number> {
  logMode(log);
  const time = runnerTime(readTimeScale(process.env));
  const configFile = line.flags.config ?? defaultConfigFile();
  const all = readConfigFile(readConfig(configFile));
  const name = line.flags.name;
  const chosen = name === undefined ? all : [findRunner(all, name)];
  const managed = chosen.map((settings): ManagedRunner => {
    const systemId = findSystemId(configFile, log);
    const info = runnerInfo(settings.executor, settings.shell, platform, architecture);
    return { settings, systemId, info, api: newApi(settings, log, time), log };
  });
  if (line.command === 'verify') {
    if (await verifyRunners(managed)) return 0;
    log.fatal('Failed to verify runners');
    return 1;
  }
  return (await unregisterRunners(managed, configFile, log)) ? 0 : 1;
}

/** With `-r` the file says everything, without it nothing. */
function readRunSettings({ flags }: CommandLine, configFile: string | undefined): RunnerSettings {
  if (configFile === undefined) return runnerFromFlags(flags, process.env);
  return findRunner(readConfigFile(readConfig(configFile)), flags.runner ?? '');
}

/** Source: https://docs.gitlab.com/runner/commands/#configuration-file */
function defaultConfigFile(): string {
  return process.getuid?.() === 0
    ? '/etc/gitlab-runner/config.toml'
    : join(process.env.HOME ?? userInfo().homedir, '.gitlab-runner/config.toml');
}

/**
 * A file that is not there is one without runners. A socket as standard input cannot be opened by path, in Go or here;
 * a pipe can.
 */
function readConfig(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (cause) {
    const code = cause instanceof Error && 'code' in cause ? cause.code : '';
    if (code === 'ENOENT') return '';
    const reason = code === 'ENXIO' ? 'no such device or address' : String(code);
    throw new RunnerSettingsError(`Error loading config: decoding configuration file: open ${path}: ${reason}`, {
      cause,
    });
  }
}

function newApi(settings: RunnerSettings, log: RunnerLog, time: ReturnType<typeof runnerTime>): RunnerApi {
  return new RunnerApi(settings.url, userAgent(nodeVersion, platform, architecture), log, time);
}

function nameField(settings: RunnerSettings) {
  return settings.name === '' ? {} : { runner_name: settings.name };
}

function logMode(log: RunnerLog): void {
  const root = process.getuid?.() === 0;
  if (root) log.info('Running in system-mode.');
  else log.warn('Running in user-mode.');
  log.info('');
}

/** HOME, or at least an entry in the password file: in AWS Lambda there may be neither. */
function hasHome(): boolean {
  if (process.env.HOME) return true;
  try {
    return userInfo().homedir !== '';
  } catch {
    return false;
  }
}

/** Exit codes as in Go: 2 for a panic, 1 for every other fault. */
function explain(error: unknown): number {
  if (error instanceof ShutdownTimeoutPanicError) {
    write(`panic: \nreflect: ${error.message} using value obtained using unexported field\n [recovered, repanicked]\n`);
    return 2;
  }
  write(`FATAL: the stand-in for gitlab-runner has a fault: ${error instanceof Error ? error.stack : String(error)}\n`);
  return 1;
}

process.exitCode = await main(process.argv.slice(2)).catch(explain);
process.exit();
