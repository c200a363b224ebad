import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import type { RunnerExit } from './job-outcome.ts';
import { catchesInterrupt, sendSignal } from './processes.client.ts';
import { RunnerNotStartedError } from './runner-errors.ts';

/** The last lines are in the pipe when the process is gone; a job's process that holds it open must not hold us up. */
const lastLinesMilliseconds = 500;

export type RunnerCommand = {
  readonly binary: string;
  readonly arguments: readonly string[];
  readonly folder: string;
  readonly environment: Readonly<Record<string, string>>;
  /** Called with each line of its log. */
  readonly onLine: (line: string) => void;
};

export type RunnerProcess = {
  readonly pid: number;
  readonly exited: Promise<RunnerExit>;
  readonly signal: (signal: NodeJS.Signals) => void;
  /**
   * Resolves when it listens to signals, or is gone; after a second in any case. Before, SIGQUIT would end it without a
   * word.
   */
  readonly hearsSignals: () => Promise<void>;
};

/**
 * gitlab-runner sets its own handler for SIGINT together with that for SIGQUIT. With SIGINT ignored at its start, Linux
 * shows when; Node.js starts its children with nothing ignored, so that a shell does it and becomes gitlab-runner.
 */
const startIgnoring = `trap '' INT; exec "$0" "$@"`;
const longestDeafMilliseconds = 1_000;

/**
 * Starts gitlab-runner in a session and process group of its own, so that all of it can be found and killed.
 *
 * @throws {RunnerNotStartedError} when the operating system cannot start it.
 */
export async function startRunner(command: RunnerCommand): Promise<RunnerProcess> {
  const child = spawn('/bin/sh', ['-c', startIgnoring, command.binary, ...command.arguments], {
    cwd: command.folder,
    env: { ...command.environment },
    detached: true,
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  const lines = createInterface({ input: child.stderr, crlfDelay: Number.POSITIVE_INFINITY });
  lines.on('line', command.onLine);
  const read = once(lines, 'close');
  const exited = new Promise<RunnerExit>((resolve) => {
    child.once('exit', async (code, signal) => {
      await Promise.race([read, sleep(lastLinesMilliseconds, undefined, { ref: false })]);
      child.stderr.destroy();
      resolve({ code, signal });
    });
  });
  await once(child, 'spawn').catch((cause: unknown) => {
    throw new RunnerNotStartedError(`cannot start ${command.binary}: is it a program for this architecture?`, {
      cause,
    });
  });
  const pid = child.pid as number;
  const hearsSignals = async () => {
    const until = Date.now() + longestDeafMilliseconds;
    if (catchesInterrupt(pid)) return;
    while (!catchesInterrupt(pid) && Date.now() < until) await sleep(10);
    // Its handlers come one after the other.
    await sleep(50);
  };
  return { pid, exited, signal: (signal) => sendSignal(pid, signal), hearsSignals };
}
