import { type ChildProcessByStdio, spawn } from 'node:child_process';
import { createWriteStream } from 'node:fs';
import { createInterface } from 'node:readline';
import type { Readable, Writable } from 'node:stream';
import { finished } from 'node:stream/promises';

/** A program that we started failed; the message has the end of what it said. */
export class CommandFailedError extends Error {
  override readonly name = 'CommandFailedError';
}

export type CommandOptions = {
  readonly cwd: string;
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** Everything that the program says is appended here. */
  readonly logFile: string;
  readonly input?: string;
  readonly onLine?: (line: string) => void;
  readonly signal?: AbortSignal | undefined;
};

/**
 * Runs a program to its end and returns what it wrote to standard output. When it returns or throws, the program has
 * ended and all that it said is in the log.
 *
 * @throws {CommandFailedError} when it ends with another code than 0.
 */
export async function runCommand(command: string, args: readonly string[], options: CommandOptions): Promise<string> {
  const log = createWriteStream(options.logFile, { flags: 'a' });
  // A log that cannot be written fails the command, when it has ended.
  const written = finished(log).then(
    () => undefined,
    (error: unknown) => error,
  );
  log.write(`\n$ ${command} ${args.join(' ')}\n`);
  const child = spawn(command, args, {
    cwd: options.cwd,
    env: options.environment as NodeJS.ProcessEnv,
    stdio: ['pipe', 'pipe', 'pipe'],
    ...(options.signal ? { signal: options.signal } : {}),
  });
  let output = '';
  let tail = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (text: string) => {
      if (stream === child.stdout) output += text;
      log.write(text);
      tail = (tail + text).slice(-4_000);
    });
    createInterface({ input: stream }).on('line', (line) => {
      if (line.trim()) options.onLine?.(line.trim());
    });
  }
  child.stdin.on('error', () => {}).end(options.input ?? '');
  const { code, error } = await endOf(child);
  log.end();
  const unwritten = await written;
  if (error ?? unwritten) throw error ?? unwritten;
  if (code === 0) return output;
  throw new CommandFailedError(
    `${command} ${args.join(' ')} ended with ${code}:\n${tail}\n(all of it is in ${options.logFile})`,
  );
}

/** The end of a program, and why it could not be started or was stopped. */
async function endOf(child: ChildProcessByStdio<Writable, Readable, Readable>) {
  let error: Error | undefined;
  child.on('error', (cause) => {
    error = cause;
    // What it started itself may hold them open for long.
    child.stdout.destroy();
    child.stderr.destroy();
  });
  const code = await new Promise<number | null>((resolve) => child.on('close', resolve));
  return { code, error };
}
