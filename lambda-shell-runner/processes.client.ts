import { accessSync, constants, readdirSync, readFileSync, statSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { executionVariable } from './job-environment.ts';
import { chooseStrays, isWithinReach, type JobClaim, type SeenProcess } from './stray-processes.ts';

/** A killed process is gone within milliseconds; one that starts others as fast as they die is not worth more. */
const killingMilliseconds = 2_000;
const pauseMilliseconds = 20;

/**
 * Kills every process of a job and returns the ids of those that still live. Without `/proc` (macOS) only the runner's
 * group.
 */
export async function killStrays(claim: JobClaim): Promise<readonly number[]> {
  if (claim.runnerPid !== null) sendSignal(-claim.runnerPid, 'SIGKILL');
  const deadline = Date.now() + killingMilliseconds;
  for (;;) {
    const strays = findStrays(claim);
    if (strays.length === 0 || Date.now() > deadline) return strays.map(({ pid }) => pid);
    for (const { pid } of strays) sendSignal(pid, 'SIGKILL');
    await sleep(pauseMilliseconds);
  }
}

function findStrays(claim: JobClaim): readonly SeenProcess[] {
  const own = readProcess(process.pid);
  if (!own) return [];
  const seen = processIds().flatMap((pid) => readProcess(pid) ?? []);
  return chooseStrays(seen, own, claim).filter((process) => isWithinReach(process, own, claim));
}

/**
 * Sends a signal to a process, or with a negative id to its group; one that is already gone is no error.
 *
 * @throws {RangeError} for ids that mean everybody: kill(2) takes 0 for our own group and -1 for all of our user.
 */
export function sendSignal(pid: number, signal: NodeJS.Signals): void {
  if (!Number.isInteger(pid) || Math.abs(pid) <= 1) throw new RangeError(`${pid} is no process of a job`);
  try {
    process.kill(pid, signal);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
}

/**
 * Whether a process has a handler for SIGINT, or is none (any more); where there is no `/proc`, it is taken to have
 * one.
 */
export function catchesInterrupt(pid: number): boolean {
  try {
    const status = readFileSync(`/proc/${pid}/status`, 'latin1');
    const caught = /^SigCgt:\s*([0-9a-f]+)$/m.exec(status)?.[1] ?? '2';
    return /^State:\s*Z/m.test(status) || (Number.parseInt(caught.slice(-1), 16) & 2) !== 0;
  } catch {
    return true;
  }
}

/**
 * Whether other processes of our user are kept from reading our environment, with the credentials in it, and our
 * memory. The image sees to that: Linux hides a process whose program file its user may execute but not read (prctl(2),
 * PR_SET_DUMPABLE).
 */
export function isShieldedFromJobs(): boolean {
  try {
    accessSync('/proc/self/environ', constants.R_OK);
    return false;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EACCES';
  }
}

function processIds(): readonly number[] {
  try {
    return readdirSync('/proc').map(Number).filter(Number.isInteger);
  } catch {
    return [];
  }
}

/** Null when the process ended meanwhile. Source: proc_pid_stat(5) */
function readProcess(pid: number): SeenProcess | null {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
    // The second field is the program's name in parentheses, which may itself hold spaces and parentheses.
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    return {
      pid,
      state: fields[0] ?? '',
      group: Number(fields[2]),
      session: Number(fields[3]),
      startTicks: Number(fields[19]),
      uid: statSync(`/proc/${pid}`).uid,
      executionId: readExecutionId(pid),
    };
  } catch {
    return null;
  }
}

function readExecutionId(pid: number): string | null {
  try {
    const entry = readFileSync(`/proc/${pid}/environ`, 'latin1')
      .split('\0')
      .find((text) => text.startsWith(`${executionVariable}=`));
    return entry?.slice(executionVariable.length + 1) ?? null;
  } catch {
    return null;
  }
}
