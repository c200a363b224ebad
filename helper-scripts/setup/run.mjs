// Runs one of the project's commands on a fresh clone: installs the npm packages when they are missing or out of date,
// and goes on with the Node version that they bring along. Plain JavaScript, since it runs before anything is
// installed.
import { spawn, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { delimiter, join, resolve } from 'node:path';

const repository = resolve(import.meta.dirname ?? new URL('.', import.meta.url).pathname, '../..');
const modules = join(repository, 'node_modules');
const stamp = join(modules, '.installed-lock');

const commands = {
  start: 'helper-scripts/local-run/start.command.ts',
  test: 'helper-scripts/setup/test.command.ts',
  build: 'helper-scripts/build/build.command.ts',
  synth: 'helper-scripts/build/synth.command.ts',
  bench: 'helper-scripts/bench/bench.command.ts',
  simulate: 'test/simulation/simulate.command.ts',
  mutate: 'helper-scripts/mutate/mutate.command.ts',
  cli: 'helper-scripts/cli/cli.command.ts',
  format: 'helper-scripts/setup/format.command.ts',
};

function fail(message) {
  console.error(`\n${message}\n`);
  process.exit(1);
}

function ensureSupportedNode() {
  const major = Number(process.versions.node.split('.')[0]);
  if (major < 20)
    fail(`Node ${process.versions.node} is too old: install Node 20 or newer, and run the command again.`);
}

function ensurePackages() {
  const lock = createHash('sha256')
    .update(readFileSync(join(repository, 'package-lock.json')))
    .digest('hex');
  if (existsSync(stamp) && readFileSync(stamp, 'utf8') === lock) return;
  console.error('Installing the npm packages that package-lock.json names (about a minute the first time) ...');
  const npm = process.platform === 'win32' ? 'npm.cmd' : 'npm';
  const { status, error } = spawnSync(npm, ['ci', '--no-fund', '--no-audit', '--loglevel=error'], {
    cwd: repository,
    stdio: ['ignore', 2, 2],
  });
  if (error)
    fail(`npm could not be started (${error.message}): install npm, which comes with Node, and run the command again.`);
  if (status !== 0) {
    fail('npm ci failed: its message is above. Without a connection to an npm registry nothing can be installed.');
  }
  writeFileSync(stamp, lock);
}

const [name, ...rest] = process.argv.slice(2);
const script = commands[name];
if (!script) fail(`There is no command "${name}": use one of ${Object.keys(commands).join(', ')}.`);
ensureSupportedNode();
ensurePackages();

const bin = join(modules, '.bin');
const child = spawn(join(bin, 'node'), [join(repository, script), ...rest], {
  stdio: 'inherit',
  cwd: name === 'cli' ? (process.env.INIT_CWD ?? process.cwd()) : repository,
  // What was compiled once is not compiled again: a command starts in two thirds of the time.
  env: {
    NODE_COMPILE_CACHE: join(modules, '.cache/node'),
    ...process.env,
    PATH: `${bin}${delimiter}${process.env.PATH}`,
  },
});
// The terminal sends Ctrl-C to the command as well, which ends what it has started: wait for it. Other signals come to
// us alone.
process.on('SIGINT', () => {});
for (const other of ['SIGTERM', 'SIGHUP']) process.on(other, () => child.kill(other));
child.on('error', (error) => {
  fail(`Node could not be started from ${bin} (${error.message}): delete node_modules and run the command again.`);
});
child.on('exit', (status) => process.exit(status ?? 1));
