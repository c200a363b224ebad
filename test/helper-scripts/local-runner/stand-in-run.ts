import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { bundleStandIn } from '../../../helper-scripts/local-runner/find-gitlab-runner.process.ts';
import { timeScaleVariable } from '../../../helper-scripts/local-runner/runner-time.process.ts';

export interface StandInRun {
  readonly exitCode: number | null;
  readonly exitSignal: string | null;
  readonly elapsedMs: number;
  readonly log: readonly string[];
}

/** A folder of one test, removed by `dispose`. */
export function scratchFolder(): { readonly path: string; dispose(): void } {
  const path = mkdtempSync(join(tmpdir(), 'stand-in-'));
  return { path, dispose: () => rmSync(path, { recursive: true, force: true, maxRetries: 5 }) };
}

export async function bundleForTests(folder: string): Promise<string> {
  const bundle = join(folder, 'stand-in.mjs');
  await bundleStandIn(bundle);
  return bundle;
}

export interface StandInOptions {
  /** The stand-in's. */
  readonly bundle: string;
  readonly args: readonly string[];
  readonly folder: string;
  readonly scale?: number;
  readonly env?: Readonly<Record<string, string>>;
  /** A file for standard input, by way of a pipe; otherwise it is a socket, which is what Node gives a child. */
  readonly stdinFile?: string;
}

/** The stand-in as a process of its own, in an environment that holds nothing but the essentials. */
export function startStandIn({ bundle, ...options }: StandInOptions) {
  return startRunnerProgram([process.execPath, bundle], options);
}

/** As `startStandIn`, for another program of the kind. */
export function startRunnerProgram(runner: readonly string[], options: Omit<StandInOptions, 'bundle'>) {
  const command = [...runner, ...options.args];
  const [program = '', ...args] =
    options.stdinFile === undefined ? command : ['sh', '-c', 'cat "$0" | exec "$@"', options.stdinFile, ...command];
  const started = performance.now();
  const child = spawn(program, args, {
    cwd: options.folder,
    env: {
      PATH: process.env.PATH,
      HOME: options.folder,
      LANG: 'C.UTF-8',
      [timeScaleVariable]: String(options.scale ?? 1),
      ...options.env,
    },
    // On standard output the released binary explains all of its flags, which is more than a pipe holds.
    stdio: ['pipe', 'ignore', 'pipe'],
  });
  let output = '';
  // From this line on signals are listened to; the first request follows at once.
  const begun = new Promise<void>((resolve) => {
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      output += text;
      if (output.includes('Starting runner for')) resolve();
    });
  });
  const ended = new Promise<StandInRun>((resolve) => {
    child.once('close', (exitCode, exitSignal) => {
      const log = output.split('\n').filter((line) => line.trim() !== '');
      resolve({ exitCode, exitSignal, elapsedMs: performance.now() - started, log });
    });
  });
  return { kill: (signal: NodeJS.Signals) => child.kill(signal), begun, ended };
}
