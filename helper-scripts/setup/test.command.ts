import { spawnSync } from 'node:child_process';
import { join, resolve } from 'node:path';
import { ensurePythonEnvironment } from '../local-aws/python-environment.process.ts';
import { findGitLabRunner } from '../local-runner/find-gitlab-runner.process.ts';
import { realRunnerNote } from './real-runner-note.ts';

const repository = resolve(import.meta.dirname, '../..');
const words = process.argv.slice(2);

/** What `npm test` runs, in order; the first failure ends it. Words after `--` go to vitest. */
const steps: readonly (readonly [name: string, command: string, ...args: string[]])[] = [
  ['lint and format', 'biome', 'ci', '--error-on-warnings', '.'],
  ['unused code', 'knip'],
  ['types', 'tsc', '-p', 'tsconfig.json'],
  ['tests', 'vitest', 'run', ...words],
];

const runner = await findGitLabRunner(process.env);
await ensurePythonEnvironment({ folder: join(repository, '.local/python'), log: console.log });
for (const [name, command, ...args] of steps) {
  const startedAt = Date.now();
  const { status } = spawnSync(command, args, { cwd: repository, stdio: 'inherit' });
  console.log(`${status === 0 ? 'ok' : 'FAILED'}: ${name} (${((Date.now() - startedAt) / 1_000).toFixed(1)} s)\n`);
  if (status !== 0) process.exit(1);
}
console.log(`${realRunnerNote(runner, words)}\n`);
