import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { chmod, mkdir, rm, symlink, writeFile } from 'node:fs/promises';
import { delimiter, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { quote } from './job-script.ts';
import { runnerVersion } from './runner-identity.ts';

/** The program that runs jobs locally. */
export interface FoundRunner {
  /** `stand-in` is our own program, which speaks the same protocol. */
  readonly kind: 'real' | 'stand-in';
  /** The binary, or the TypeScript entry of the stand-in. */
  readonly path: string;
  readonly version: string;
}

export class GitLabRunnerNotUsableError extends Error {
  override readonly name = 'GitLabRunnerNotUsableError';
}

/** Names the program to use instead of the one on the PATH. */
const runnerPathVariable = 'GITLAB_RUNNER';

const programName = 'gitlab-runner';
const standInEntry = fileURLToPath(new URL('./gitlab-runner.command.ts', import.meta.url));

/**
 * The real gitlab-runner that GITLAB_RUNNER names or that is on the PATH, otherwise the stand-in.
 * @throws GitLabRunnerNotUsableError when GITLAB_RUNNER names a program that does not say its version.
 */
export async function findGitLabRunner(env: Readonly<Record<string, string | undefined>>): Promise<FoundRunner> {
  const named = env[runnerPathVariable];
  if (named !== undefined && named !== '') {
    const version = await readVersion(named);
    if (version === undefined) {
      throw new GitLabRunnerNotUsableError(
        `${runnerPathVariable} is "${named}", but "${named} --version" prints no version: correct or unset it`,
      );
    }
    return { kind: version.kind, path: named, version: version.text };
  }
  for (const folder of (env.PATH ?? '').split(delimiter)) {
    const path = join(folder, programName);
    if (folder === '' || !existsSync(path)) continue;
    const version = await readVersion(path);
    if (version?.kind === 'real') return { kind: 'real', path, version: version.text };
  }
  return { kind: 'stand-in', path: standInEntry, version: runnerVersion };
}

/**
 * Fills a folder, to be put first on a PATH, with an executable `gitlab-runner`: a link to the real one, or a shim that
 * starts the stand-in, bundled into one file so that it starts fast and needs nothing else.
 * @returns the executable's path
 */
export async function writeRunnerFolder(folder: string, runner: FoundRunner): Promise<string> {
  await mkdir(folder, { recursive: true });
  const program = join(folder, programName);
  await rm(program, { force: true });
  if (!runner.path.endsWith('.ts')) {
    await symlink(runner.path, program);
    return program;
  }
  const bundle = join(folder, 'gitlab-runner-stand-in.mjs');
  await bundleStandIn(bundle);
  await writeFile(program, `#!/bin/sh\nexec ${quote(process.execPath)} ${quote(bundle)} "$@"\n`);
  await chmod(program, 0o755);
  return program;
}

/** Writes the stand-in as one file that any Node of version 20 or later runs. */
export async function bundleStandIn(outfile: string): Promise<void> {
  const { build } = await import('esbuild');
  await build({
    entryPoints: [standInEntry],
    outfile,
    bundle: true,
    platform: 'node',
    target: 'node20',
    format: 'esm',
    logLevel: 'error',
  });
}

async function readVersion(path: string): Promise<{ kind: FoundRunner['kind']; text: string } | undefined> {
  try {
    const { stdout } = await promisify(execFile)(path, ['--version']);
    const version = /^Version:\s+(\S+)/m.exec(stdout)?.[1];
    if (version === undefined) return undefined;
    return { kind: stdout.includes('stand-in') ? 'stand-in' : 'real', text: version };
  } catch {
    return undefined;
  }
}
