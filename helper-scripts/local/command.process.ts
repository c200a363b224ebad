import { spawn } from 'node:child_process';
import { createWriteStream } from 'node:fs';
import { createInterface } from 'node:readline';

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
 * Runs a program to its end and returns what it wrote to standard output.
 *
 * @throws {CommandFailedError} when it ends with another code than 0.
 */
export async function runCommand(command: string, args: readonly string[], options: CommandOptions): Promise<string> {
  const log = createWriteStream(options.logFile, { flags: 'a' });
  log.write(`\n$ ${command} ${args.join(' ')}\n`);
  const child = spawn(command, args, {
    cwd: options.cwd,
    env: options.environment as NodeJS.ProcessEnv,
    stdio: ['pipe', 'pipe', 'pipe'],
    ...(options.signal ? { signal: options.signal } : {}),
  });
  let output = '';
  let tail = '';
  const hear = (chunk: Buffer) => {
    log.write(chunk);
    tail = (tail + chunk).slice(-4_000);
  };
  child.stdout.on('data', (chunk: Buffer) => {
    output += chunk;
    hear(chunk);
  });
  child.stderr.on('data', hear);
  for (const stream of [child.stdout, child.stderr]) {
    createInterface({ input: stream }).on('line', (line) => {
      if (line.trim()) options.onLine?.(line.trim());
    });
  }
  child.stdin.on('error', () => {}).end(options.input ?? '');
  const code = await new Promise<number | null>((resolve, reject) => child.on('error', reject).on('close', resolve));
  log.end();
  if (code === 0) return output;
  throw new CommandFailedError(
    `${command} ${args.join(' ')} ended with ${code}:\n${tail}\n(all of it is in ${options.logFile})`,
  );
}
