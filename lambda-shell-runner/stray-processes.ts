/** A process as `/proc` shows it. */
export type SeenProcess = {
  readonly pid: number;
  /** One letter: `Z` and `X` are dead and only wait to be collected. */
  readonly state: string;
  readonly group: number;
  readonly session: number;
  /** Clock ticks between the start of the machine and that of the process. */
  readonly startTicks: number;
  readonly uid: number;
  /** Value of our marker in the environment that it started with; null when it has none, or hides its environment. */
  readonly executionId: string | null;
};

/** What tells a job's processes from others. */
export type JobClaim = {
  readonly executionId: string;
  /** Process id of gitlab-runner, which leads a session of its own. */
  readonly runnerPid: number | null;
  /**
   * Nothing but jobs runs beside us, as in Lambda: then a process that is younger than ours is a job's, whatever it
   * hides.
   */
  readonly exclusive: boolean;
};

/**
 * The processes that a job started and that still live. A background process keeps the session; one that left it
 * (`setsid`, a daemon) still carries the marker; one that dropped its environment as well is found only where jobs are
 * alone.
 */
export function chooseStrays(
  processes: readonly SeenProcess[],
  own: SeenProcess,
  { executionId, runnerPid, exclusive }: JobClaim,
): readonly SeenProcess[] {
  return processes.filter((process) => {
    if (process.pid === own.pid || process.uid !== own.uid || /[ZX]/.test(process.state)) return false;
    if (runnerPid !== null && (process.session === runnerPid || process.group === runnerPid)) return true;
    if (process.executionId === executionId) return true;
    return exclusive && (process.executionId !== null || process.startTicks > own.startTicks);
  });
}

/**
 * A second barrier before anything is killed, which knows nothing of the choice above: where jobs are not alone, only
 * what is younger than we are and shows in one way or another that it comes from this job. A mistake in the choice then
 * leaves something behind, instead of ending all that its user does.
 */
export function isWithinReach(
  process: SeenProcess,
  own: SeenProcess,
  { executionId, runnerPid, exclusive }: JobClaim,
): boolean {
  if (process.pid <= 1 || process.pid === own.pid || process.uid !== own.uid) return false;
  if (exclusive) return true;
  const marks = new Set<number | string | null>([process.session, process.group, process.executionId]);
  marks.delete(null);
  return process.startTicks >= own.startTicks && (marks.has(executionId) || marks.has(runnerPid));
}
