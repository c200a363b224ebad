import { existsSync, readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';

/** Enough for children that start children while we kill; what is left then cannot be killed. */
const longestKillMilliseconds = 5_000;

/** What an instance's processes have in common: its folder in their environment or as working folder, or its session. */
export type ProcessMark = { readonly folder: string; readonly sessionLeader?: number };

/** Some processes of an instance would not die. */
export class ProcessesLeftError extends Error {
  override readonly name = 'ProcessesLeftError';
}

/**
 * Kills every process of an instance, at once, like a power cut: also those that went into a session of their own (`setsid`),
 * which know their instance by HOME and PATH. Where there is no `/proc` (macOS) only the process group is found.
 *
 * @throws {ProcessesLeftError} naming what is still there after five seconds.
 */
export async function killProcessesOf(mark: ProcessMark): Promise<void> {
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

/** Ids of the living processes of an instance. */
export function findProcessesOf(mark: ProcessMark): readonly number[] {
  if (!existsSync('/proc/self/environ')) return [];
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
    .filter((pid) => pid !== process.pid && belongs(pid, mark));
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
