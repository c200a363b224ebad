import { existsSync, readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { isAbsolute, normalize, sep } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

/** Enough for children that start children while we kill; what is left then cannot be killed. */
const longestKillMilliseconds = 5_000;

/**
 * What an instance's processes have in common: its folder in their environment or as working folder, or its session.
 */
export type ProcessMark = { readonly folder: string; readonly sessionLeader?: number };

/** A folder or session by which all processes of a user would be an instance's. */
export class TooManyProcessesError extends Error {
  override readonly name = 'TooManyProcessesError';
}

/** Some processes of an instance would not die. */
export class ProcessesLeftError extends Error {
  override readonly name = 'ProcessesLeftError';
}

/**
 * Kills every process of an instance, at once, like a power cut: also those that went into a session of their own
 * (`setsid`), which know their instance by HOME and PATH. Where there is no `/proc` (macOS) only the process group is
 * found.
 *
 * @throws {TooManyProcessesError} for a mark that is not an instance's; nothing is killed then.
 * @throws {ProcessesLeftError} naming what is still there after five seconds.
 */
export async function killProcessesOf(mark: ProcessMark): Promise<void> {
  checkMark(mark);
  const deadline = Date.now() + longestKillMilliseconds;
  if (mark.sessionLeader !== undefined) killQuietly(-mark.sessionLeader);
  for (let left = findProcessesOf(mark); left.length > 0; left = findProcessesOf(mark)) {
    if (Date.now() > deadline) {
      throw new ProcessesLeftError(`Processes of ${mark.folder} do not end: ${left.join(', ')}; look at them with ps`);
    }
    for (const pid of left) killQuietly(pid);
    await sleep(20);
  }
}

/** An instance's folder lies in a run's, and its session is its own. @throws {TooManyProcessesError} */
export function checkMark({ folder, sessionLeader }: ProcessMark): void {
  const isOwn = isAbsolute(folder) && normalize(folder) === folder && folder.split(sep).length > 3;
  if (!isOwn) throw new TooManyProcessesError(`"${folder}" is no folder of an instance: nothing is killed by it`);
  if (sessionLeader === undefined || (Number.isInteger(sessionLeader) && sessionLeader > 1)) return;
  throw new TooManyProcessesError(`${sessionLeader} is no session of an instance: nothing is killed by it`);
}

/** Ids of the living processes of an instance, whatever its mark may say never ourselves and those that started us. */
export function findProcessesOf(mark: ProcessMark): readonly number[] {
  if (!existsSync('/proc/self/environ')) return [];
  const ancestors = ownAncestors();
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
    .filter((pid) => !ancestors.has(pid) && belongs(pid, mark));
}

/** Ids of ourselves and of all processes from which we come. */
function ownAncestors(): ReadonlySet<number> {
  const ids = new Set<number>();
  for (let pid = process.pid; pid > 0 && !ids.has(pid); pid = parentOf(pid)) ids.add(pid);
  return ids;
}

function parentOf(pid: number): number {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
    return Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1]);
  } catch {
    return 0;
  }
}

function belongs(pid: number, { folder, sessionLeader }: ProcessMark): boolean {
  try {
    // After the command's name, which may hold anything: state, parent, group, session.
    const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
    const [state, , , session] = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    if (state === 'Z') return false;
    if (Number(session) === sessionLeader) return true;
    if (readFileSync(`/proc/${pid}/environ`, 'latin1').includes(`${folder}/`)) return true;
    return readlinkSync(`/proc/${pid}/cwd`).startsWith(`${folder}/`);
  } catch {
    // It has ended meanwhile, or belongs to another user and so not to an instance of ours.
    return false;
  }
}

function killQuietly(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch {
    // Gone already.
  }
}
