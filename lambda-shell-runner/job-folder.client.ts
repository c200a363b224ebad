import { mkdirSync, mkdtempSync, unlinkSync, writeFileSync } from 'node:fs';
import { chmod, lstat, readdir, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { type JobFolder, layOutJobFolder } from './runner-config.ts';

const onlyUs = 0o700;
const onlyUsFile = 0o600;

/** Makes a fresh folder for one job in `scratch`, readable by nobody else. */
export function createJobFolder(scratch: string): JobFolder {
  const folder = layOutJobFolder(mkdtempSync(join(scratch, 'job-')));
  for (const path of [folder.home, folder.temporary, folder.builds, folder.cache, dirname(folder.configFile)]) {
    mkdirSync(path, { mode: onlyUs });
  }
  return folder;
}

/** Writes what gitlab-runner reads as it starts. */
export function writeRunnerFiles(folder: JobFolder, config: string, systemId: string): void {
  writeFileSync(folder.configFile, config, { mode: onlyUsFile, flag: 'wx' });
  writeFileSync(folder.systemIdFile, systemId, { mode: onlyUsFile, flag: 'wx' });
}

/** Writes the credentials of the job's role, where the job alone can read them. */
export function writeAwsCredentials({ awsCredentialsFile }: JobFolder, content: string): void {
  mkdirSync(dirname(awsCredentialsFile), { mode: onlyUs });
  writeFileSync(awsCredentialsFile, content, { mode: onlyUsFile, flag: 'wx' });
}

/** Removes the file with the token, at once: the job may begin within milliseconds. That it is gone already is fine. */
export function removeRunnerConfig({ configFile }: JobFolder): void {
  try {
    unlinkSync(configFile);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
  }
}

/** Removes a file or a folder with all that is in it; false when something of it remains. */
export async function wipe(path: string): Promise<boolean> {
  if (await removeTree(path)) return true;
  await openFolders(path);
  return removeTree(path);
}

/** Removes everything that our user has in `scratch`, and returns the paths that remain. */
export async function wipeScratch(scratch: string): Promise<readonly string[]> {
  const remaining: string[] = [];
  for (const path of await entriesOf(scratch)) {
    if ((await ownerOf(path)) === process.getuid?.() && !(await wipe(path))) remaining.push(path);
  }
  return remaining;
}

async function removeTree(path: string): Promise<boolean> {
  try {
    await rm(path, { recursive: true, force: true });
    return (await ownerOf(path)) === null;
  } catch {
    return false;
  }
}

/** Some tools make folders read-only (Go's module cache), and nothing can be removed from those. */
async function openFolders(path: string): Promise<void> {
  try {
    if (!(await lstat(path)).isDirectory()) return;
    await chmod(path, onlyUs);
  } catch {
    return;
  }
  for (const entry of await entriesOf(path)) await openFolders(entry);
}

function entriesOf(path: string): Promise<readonly string[]> {
  return readdir(path).then(
    (names) => names.map((name) => join(path, name)),
    () => [],
  );
}

/** User id of a file's owner; null when there is no such file. */
function ownerOf(path: string): Promise<number | null> {
  return lstat(path).then(
    ({ uid }) => uid,
    () => null,
  );
}
