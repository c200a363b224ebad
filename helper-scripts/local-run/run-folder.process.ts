import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';

/**
 * Takes a folder for a local run of this process alone, empty; the function that is returned gives it back. What a run
 * that died has left there goes.
 *
 * @throws when another process that is alive has it
 */
export function takeRunFolder(folder: string): () => void {
  const mark = `${folder}.pid`;
  mkdirSync(dirname(folder), { recursive: true });
  const owner = ownerOf(mark);
  if (owner !== undefined && owner !== process.pid && isAlive(owner)) {
    throw new Error(
      `another run is up in ${folder}: process ${owner}. End it first (Ctrl-C), or remove ${mark} if that is not one`,
    );
  }
  writeFileSync(mark, `${process.pid}\n`);
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder);
  return () => rmSync(mark, { force: true });
}

function ownerOf(mark: string): number | undefined {
  try {
    return Number.parseInt(readFileSync(mark, 'utf8'), 10);
  } catch {
    return undefined;
  }
}

function isAlive(processId: number): boolean {
  try {
    return process.kill(processId, 0);
  } catch (error) {
    // Somebody else's process is alive, too.
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}
