import { spawnSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { MutationArgumentError, planMutation } from './mutation-plan.ts';

const packages = ['@stryker-mutator/core@10.1.1', '@stryker-mutator/vitest-runner@10.1.1'];

const repository = resolve(import.meta.dirname, '../..');
const copy = join(repository, '.local/mutation');

/** Runs a program in the copy, and ends with its exit code when that is not 0. */
function run(program: string, args: readonly string[], cwd = copy): void {
  const { status, error } = spawnSync(program, args, { cwd, stdio: 'inherit' });
  if (error) throw error;
  if (status !== 0) process.exit(status ?? 1);
}

/** The working tree as it is, changes that are not committed too; what was installed there before stays. */
function copyRepository(): void {
  mkdirSync(copy, { recursive: true });
  for (const entry of readdirSync(copy)) {
    if (entry !== 'node_modules') rmSync(join(copy, entry), { recursive: true, force: true });
  }
  const { stdout, status } = spawnSync('git', ['ls-files', '-z', '--cached', '--others', '--exclude-standard'], {
    cwd: repository,
    encoding: 'utf8',
  });
  if (status !== 0) throw new Error('git cannot list the files of this checkout: mutation runs need a clone');
  for (const file of stdout.split('\0').filter((name) => name !== '' && existsSync(join(repository, name)))) {
    mkdirSync(dirname(join(copy, file)), { recursive: true });
    cpSync(join(repository, file), join(copy, file));
  }
}

/** The packages of this checkout and Stryker, anew whenever one of them changes. */
function installPackages(): void {
  const wanted = `${packages.join(' ')}\n${readFileSync(join(repository, 'package-lock.json'), 'utf8')}`;
  const stamp = join(copy, 'node_modules/.mutation-lock');
  if (existsSync(stamp) && readFileSync(stamp, 'utf8') === wanted) return;
  const npm = ['--no-fund', '--no-audit', '--loglevel=error'];
  run('npm', ['ci', ...npm]);
  run('npm', ['install', '--no-save', ...npm, ...packages]);
  writeFileSync(stamp, wanted);
}

try {
  const { stryker, vitest } = planMutation(process.argv.slice(2), repository, '.mutants');
  copyRepository();
  installPackages();
  writeFileSync(join(copy, 'stryker.config.json'), JSON.stringify(stryker));
  writeFileSync(join(copy, 'vitest.mutation.config.ts'), vitest);
  run(join(copy, 'node_modules/.bin/stryker'), ['run']);
  console.log(`The report with each mutant in its place: ${join(copy, 'reports/mutation/mutation.html')}`);
} catch (error) {
  if (!(error instanceof MutationArgumentError)) throw error;
  console.error(error.message);
  process.exit(2);
}
