import { spawn } from 'node:child_process';
import type { RunnerTime } from './runner-time.process.ts';

/** A job that ignores SIGTERM is killed only after this long, as in the released binary. */
const forcedKillMs = 600_000;

export interface ScriptRun {
  readonly shell: string;
  /** Piped to the shell's standard input. */
  readonly script: string;
  readonly folder: string;
  readonly env: NodeJS.ProcessEnv;
  /** Aborting it sends SIGTERM to the script's process group. */
  readonly signal: AbortSignal;
  onOutput(stream: '01O' | '01E', text: string): void;
}

/**
 * Runs a script in a login shell and resolves with its exit code once the shell is gone and nobody holds its output
 * open any more; a background process that keeps writing therefore keeps the job running.
 */
export function runScript(run: ScriptRun, time: RunnerTime): Promise<number> {
  return new Promise((resolve, reject) => {
    const child = spawn(run.shell, ['-l'], { cwd: run.folder, env: run.env, detached: true, stdio: 'pipe' });
    const ended = new AbortController();

    const kill = (signal: 'SIGTERM' | 'SIGKILL'): void => {
      try {
        if (child.pid !== undefined) process.kill(-child.pid, signal);
      } catch (error) {
        if (!isNoSuchProcess(error)) throw error;
      }
    };
    const terminate = async (): Promise<void> => {
      kill('SIGTERM');
      await time.sleep(forcedKillMs, ended.signal);
      if (!ended.signal.aborted) kill('SIGKILL');
    };
    const onAbort = (): void => void terminate();
    if (run.signal.aborted) onAbort();
    else run.signal.addEventListener('abort', onAbort, { once: true });

    child.stdout.setEncoding('utf8').on('data', (text: string) => run.onOutput('01O', text));
    child.stderr.setEncoding('utf8').on('data', (text: string) => run.onOutput('01E', text));
    // A shell that dies before it has read its script closes the pipe under us; its exit code tells the story.
    child.stdin.on('error', () => undefined);
    child.stdin.end(run.script);
    child.once('error', reject);
    child.once('close', (code) => {
      ended.abort();
      run.signal.removeEventListener('abort', onAbort);
      resolve(code ?? 1);
    });
  });
}

function isNoSuchProcess(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'ESRCH';
}
