import { chmodSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { build } from 'esbuild';

/** What the stand-in does (`fake-gitlab-runner.process.ts`). */
export type FakeRunnerScript = {
  /** What GitLab answers to its requests for a job, in turn; after the last one there is nothing. */
  readonly answers: readonly (
    | {
        readonly kind: 'job' | 'canceled-job' | 'canceling-job' | 'unknown-job';
        readonly jobId: number;
        readonly afterMilliseconds?: number;
      }
    | { readonly kind: 'forbidden' | 'error' | 'crash'; readonly afterMilliseconds?: number }
  )[];
  /** Bash commands of the job. */
  readonly jobScript?: string;
  /** It is inside a long poll when it has no job: then SIGTERM does not end it. */
  readonly longPoll?: boolean;
  /** How long after SIGTERM it gives up on a job that goes on. */
  readonly shutdownMilliseconds?: number;
  readonly hangsAfterJob?: boolean;
  readonly crash?: 'at-start';
  /** Where it writes down what it was started with. */
  readonly notes?: string;
};

/** What the stand-in wrote down. */
export type FakeRunnerNotes = {
  readonly args: readonly string[];
  readonly environment: Readonly<Record<string, string>>;
  readonly config: string;
  readonly configMode: string;
  readonly systemId: string;
  readonly workingFolder: string;
};

const program = join(import.meta.dirname, 'fake-gitlab-runner.process.ts');

/** Writes the stand-in's program as one file, for a place where the project is not. */
export async function bundleFakeRunner(outfile: string): Promise<void> {
  await build({ entryPoints: [program], outfile, bundle: true, platform: 'node', format: 'esm', logLevel: 'error' });
}

/** Puts a `gitlab-runner` that follows the script into `folder`, and returns its path. */
export function installFakeRunner(folder: string, script: FakeRunnerScript): string {
  mkdirSync(folder, { recursive: true });
  const scriptFile = join(folder, 'script.json');
  const binary = join(folder, 'gitlab-runner');
  writeFileSync(scriptFile, JSON.stringify(script));
  writeFileSync(binary, `#!/bin/sh\nexec '${process.execPath}' '${program}' '${scriptFile}' "$@"\n`);
  chmodSync(binary, 0o755);
  return binary;
}
