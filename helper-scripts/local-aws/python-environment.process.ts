/** The Python environment of the local AWS: made when it is missing, and again when what it must hold has changed. */
import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';

const oldestPython = { major: 3, minor: 11 } as const;
const stampFile = 'complete.sha256';
const repository = resolve(import.meta.dirname, '../..');

/** There is no usable Python on this machine. */
export class PythonMissingError extends Error {
  override readonly name = 'PythonMissingError';
}

/** Python is there, but cannot make virtual environments. */
export class VenvMissingError extends Error {
  override readonly name = 'VenvMissingError';
}

/** The packages of `requirements.txt` could not be installed. */
export class PackageInstallError extends Error {
  override readonly name = 'PackageInstallError';
}

type PythonEnvironmentOptions = {
  /** Called with one line for each step that takes seconds; not called when nothing is missing. */
  readonly log: (line: string) => void;
  /** Where the environment lives; `.local/python` of the repository unless given. */
  readonly folder?: string;
  /** What it must hold; the `requirements.txt` beside this file unless given. */
  readonly requirements?: string;
  /** The Python to make it with, found on the PATH. */
  readonly systemPython?: string;
};

/**
 * Makes sure that the Python environment exists and holds what `requirements.txt` asks for.
 *
 * When nothing is missing it only compares two small files, so that every start can call it. It may be called several
 * times at once: each call builds beside the folder, and the first to finish moves its work into place.
 *
 * @returns the path of the environment's Python
 * @throws PythonMissingError, VenvMissingError, PackageInstallError: each says what to do
 */
export async function ensurePythonEnvironment(options: PythonEnvironmentOptions): Promise<string> {
  const folder = options.folder ?? join(repository, '.local/python');
  const requirements = options.requirements ?? join(import.meta.dirname, 'requirements.txt');
  if (await isComplete(folder, requirements)) return pythonOf(folder);

  const systemPython = options.systemPython ?? 'python3';
  await expectPython(systemPython);
  await mkdir(dirname(folder), { recursive: true });
  const workshop = await mkdtemp(`${folder}.`);
  try {
    options.log(`making a Python environment in ${folder}`);
    await makeEnvironment(systemPython, workshop);
    options.log('installing MiniStack, the local AWS (about 90 MB)');
    await installPackages(pythonOf(workshop), requirements);
    await writeFile(join(workshop, stampFile), await stampOf(workshop, requirements));
    await moveIntoPlace(workshop, folder, requirements);
  } finally {
    await rm(workshop, { recursive: true, force: true });
  }
  return pythonOf(folder);
}

function pythonOf(folder: string): string {
  return join(folder, 'bin', 'python');
}

/** What an environment is made of: the packages asked for, and the version of Python, which its `pyvenv.cfg` states. */
async function stampOf(folder: string, requirements: string): Promise<string> {
  const configuration = await readFile(join(folder, 'pyvenv.cfg'), 'utf8');
  const version = configuration.split('\n').find((line) => line.startsWith('version'));
  const packages = await readFile(requirements, 'utf8');
  return createHash('sha256').update(`${version}\n${packages}`).digest('hex');
}

async function isComplete(folder: string, requirements: string): Promise<boolean> {
  // A system update may take away the Python that the environment links to.
  if (!existsSync(pythonOf(folder)) || !existsSync(join(folder, stampFile))) return false;
  return (await readFile(join(folder, stampFile), 'utf8')) === (await stampOf(folder, requirements));
}

async function moveIntoPlace(workshop: string, folder: string, requirements: string): Promise<void> {
  if (!(await isComplete(folder, requirements))) await rm(folder, { recursive: true, force: true });
  try {
    await rename(workshop, folder);
  } catch (error) {
    // Another process was faster, and what it made is as good.
    if (!(await isComplete(folder, requirements))) throw error;
  }
}

async function expectPython(python: string): Promise<void> {
  const wanted = `${oldestPython.major}.${oldestPython.minor}`;
  const remedy = `Install Python ${wanted} or newer (Debian, Ubuntu: apt install python3 python3-venv; macOS: brew install python).`;
  const { exitCode, output } = await run(python, ['-c', 'import sys; print("%d.%d" % sys.version_info[:2])']);
  if (exitCode !== 0) throw new PythonMissingError(`${python} cannot be run, and the local AWS needs it. ${remedy}`);
  const [major = 0, minor = 0] = output.trim().split('.').map(Number);
  if (major !== oldestPython.major || minor < oldestPython.minor) {
    throw new PythonMissingError(`${python} is version ${output.trim()}, and the local AWS needs ${wanted}. ${remedy}`);
  }
}

async function makeEnvironment(python: string, folder: string): Promise<void> {
  const { exitCode, output } = await run(python, ['-m', 'venv', folder]);
  if (exitCode === 0) return;
  throw new VenvMissingError(
    `${python} cannot make a virtual environment. On Debian and Ubuntu, install the module: apt install python3-venv.\n${tail(output)}`,
  );
}

async function installPackages(python: string, requirements: string): Promise<void> {
  const quietly = ['--quiet', '--disable-pip-version-check', '--no-input', '--retries', '1', '--timeout', '20'];
  const { exitCode, output } = await run(python, ['-m', 'pip', 'install', ...quietly, '-r', requirements]);
  if (exitCode === 0) return;
  throw new PackageInstallError(
    `pip could not install ${requirements}. Without access to pypi.org, name your package index in PIP_INDEX_URL ` +
      `(and a proxy in HTTPS_PROXY), then start again.\n${tail(output)}`,
  );
}

function tail(output: string): string {
  return output.trim().split('\n').slice(-5).join('\n');
}

function run(
  command: string,
  args: readonly string[],
): Promise<{ readonly exitCode: number; readonly output: string }> {
  return new Promise((settle) => {
    const child = spawn(command, args, { stdio: ['ignore', 'pipe', 'pipe'] });
    let output = '';
    for (const stream of [child.stdout, child.stderr]) stream.on('data', (text) => (output += text));
    child.on('error', (error) => settle({ exitCode: 127, output: String(error) }));
    child.on('close', (code) => settle({ exitCode: code ?? 1, output }));
  });
}
