/**
 * The local AWS as a process: MiniStack with our corrections, started, asked whether it is ready, and ended with all it
 * started.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, mkdirSync, openSync, readFileSync } from 'node:fs';
import { get } from 'node:http';
import { createServer } from 'node:net';
import { constants } from 'node:os';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { clientEnvironment, host, serverEnvironment } from './local-aws-environment.ts';

const defaultAccount = { region: 'eu-west-1', account: '000000000000' } as const;
const startDeadlineMs = 60_000;
const stopDeadlineMs = 10_000;
const switchDeadlineMs = 10_000;
const lookIntervalMs = 50;
const logTailLines = 15;

/** Something else listens on the port. */
export class PortInUseError extends Error {
  override readonly name = 'PortInUseError';
}

/** The process ended, or did not answer in time; the message ends with the last lines of its log. */
export class LocalAwsFailedError extends Error {
  override readonly name = 'LocalAwsFailedError';
}

type LocalAwsOptions = {
  readonly port: number;
  /** The Python that has MiniStack, see `ensurePythonEnvironment`. */
  readonly python: string;
  /** Gets everything that the server and MiniStack's own services print; written anew at each start. */
  readonly logFile: string;
  /** The `node_modules` that functions find the AWS SDK in, which AWS provides and MiniStack does not. */
  readonly nodeModules: string;
  /** The folder of the `node` that runs functions; the one of this process unless given. */
  readonly node?: string;
  /** Further folders for the PATH, in front of the rest. */
  readonly extraPath?: readonly string[];
  /** Further settings of MiniStack, for example `PERSIST_STATE`. */
  readonly environment?: Readonly<Record<string, string>>;
  readonly region?: string;
  readonly account?: string;
  /** Leaves the corrections out, for the probes that show why each is needed. */
  readonly stock?: boolean;
};

export type LocalAws = AsyncDisposable & {
  readonly endpoint: string;
  readonly pid: number;
  /** What the AWS SDKs, the AWS CLI and the CDK CLI need to use it, see `inLocalAws`. */
  readonly environment: Readonly<Record<string, string>>;
  /** Switches the evaluation of IAM policies; deploy first, enforce then. */
  enforceIam(on: boolean): Promise<void>;
  /** Ends the server and every process it started; does nothing the second time. */
  stop(): Promise<void>;
};

/**
 * Starts a local AWS and waits until it answers.
 *
 * It ends when this process ends, however that happens.
 *
 * @throws PortInUseError, LocalAwsFailedError
 */
export async function startLocalAws(options: LocalAwsOptions): Promise<LocalAws> {
  await expectFreePort(options.port);
  const endpoint = `http://${host}:${options.port}`;
  const child = spawnServer(options);
  const stop = () => endProcess(child);
  try {
    await waitUntilReady(child, endpoint, options.logFile);
  } catch (error) {
    await stop();
    throw error;
  }
  // A caller that forgets to stop it ends all the same, and the server with it.
  child.unref();
  let switched: Promise<void> = Promise.resolve();
  return {
    endpoint,
    pid: child.pid ?? 0,
    environment: clientEnvironment(endpoint, accountOf(options)),
    enforceIam: (on) => {
      // The signal toggles: two at once would undo each other.
      switched = switched.catch(() => {}).then(() => switchIam(child, endpoint, on));
      return switched;
    },
    stop,
    [Symbol.asyncDispose]: stop,
  };
}

function accountOf({ region, account }: LocalAwsOptions): { readonly region: string; readonly account: string } {
  return { region: region ?? defaultAccount.region, account: account ?? defaultAccount.account };
}

function spawnServer(options: LocalAwsOptions): ChildProcess {
  mkdirSync(dirname(options.logFile), { recursive: true });
  const log = openSync(options.logFile, 'w');
  const launcher = join(import.meta.dirname, 'launch.py');
  const args = [launcher, '--end-with-stdin', ...(options.stock ? ['--stock'] : [])];
  const child = spawn(options.python, args, {
    // A group of its own, so that what its functions start can be ended with it.
    detached: true,
    stdio: ['pipe', log, log],
    env: serverEnvironment(process.env, {
      ...options,
      ...accountOf(options),
      node: options.node ?? dirname(process.execPath),
    }),
  });
  closeSync(log);
  return child;
}

async function expectFreePort(port: number): Promise<void> {
  const server = createServer();
  server.listen(port, host);
  try {
    await once(server, 'listening');
  } catch (cause) {
    const remedy =
      'Stop what uses it (a local AWS that still runs, perhaps), or choose another port (LOCAL_AWS_PORT for `npm start`).';
    throw new PortInUseError(`the local AWS cannot listen on ${host}:${port}. ${remedy}`, { cause });
  }
  server.close();
  await once(server, 'close');
}

async function waitUntilReady(child: ChildProcess, endpoint: string, logFile: string): Promise<void> {
  let failure: string | undefined;
  child.once('error', (error) => (failure = `cannot be started: ${error.message}`));
  child.once('exit', (code, signal) => (failure = `ended with ${signal ?? `code ${code}`} before it was ready`));
  const deadline = Date.now() + startDeadlineMs;
  while ((await readHealth(endpoint)) === undefined) {
    if (Date.now() > deadline) failure ??= `did not answer at ${endpoint} within ${startDeadlineMs / 1000} s`;
    if (failure) throw new LocalAwsFailedError(`the local AWS ${failure}. The end of ${logFile}:\n${tailOf(logFile)}`);
    await sleep(lookIntervalMs);
  }
}

function tailOf(logFile: string): string {
  return readFileSync(logFile, 'utf8').trim().split('\n').slice(-logTailLines).join('\n');
}

/** What the server says of itself, undefined as long as it does not answer. */
function readHealth(endpoint: string): Promise<{ readonly auth: string } | undefined> {
  return new Promise((settle) => {
    const request = get(`${endpoint}/_ministack/health`, { agent: false, timeout: 2000 }, (response) => {
      let body = '';
      response.setEncoding('utf8').on('data', (text) => (body += text));
      response.on('end', () => settle(response.statusCode === 200 ? JSON.parse(body) : undefined));
    });
    request.on('timeout', () => request.destroy());
    request.on('error', () => settle(undefined));
  });
}

async function switchIam(child: ChildProcess, endpoint: string, on: boolean): Promise<void> {
  const wanted = on ? 'enabled' : 'disabled';
  if ((await readHealth(endpoint))?.auth === wanted) return;
  child.kill('SIGUSR1');
  const deadline = Date.now() + switchDeadlineMs;
  while ((await readHealth(endpoint))?.auth !== wanted) {
    if (Date.now() > deadline)
      throw new LocalAwsFailedError(`the local AWS at ${endpoint} did not switch IAM ${wanted}`);
    await sleep(lookIntervalMs);
  }
}

async function endProcess(child: ChildProcess): Promise<void> {
  if (child.pid === undefined) return;
  child.ref();
  if (child.exitCode === null && child.signalCode === null) {
    const exited = once(child, 'exit');
    child.kill('SIGTERM');
    await Promise.race([exited, sleep(stopDeadlineMs, undefined, { ref: false })]);
  }
  killGroup(child.pid);
  if (child.exitCode === null && child.signalCode === null) await once(child, 'exit');
}

/** Whatever of the group is still there; a group that is gone is what we want. */
function killGroup(pid: number): void {
  try {
    process.kill(-pid, constants.signals.SIGKILL);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
}
