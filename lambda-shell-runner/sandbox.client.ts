import { randomUUID } from 'node:crypto';
import { createJobFolder, wipe, wipeScratch } from './job-folder.client.ts';
import { killStrays } from './processes.client.ts';
import type { JobFolder } from './runner-config.ts';
import { EnvironmentNotCleanError } from './runner-errors.ts';

/** A place for one job. */
export type JobSite = {
  readonly folder: JobFolder;
  /** Marks the job's processes, through their environment. */
  readonly executionId: string;
  /** Whatever belongs to the session of this process, gitlab-runner's, belongs to the job. */
  readonly claimSession: (runnerPid: number) => void;
  /** Kills what the job left running, removes what it left in files, and names what remains of it. */
  readonly clear: () => Promise<readonly string[]>;
};

export type Sandbox = {
  /**
   * Makes a place for the next job, in an environment that has nothing of an earlier one.
   *
   * @throws {EnvironmentNotCleanError}
   */
  readonly prepare: () => Promise<JobSite>;
};

/**
 * The part of a machine in which jobs run, one after another. `exclusive`: nothing but our jobs uses `scratch` and this
 * user's processes, as in Lambda; then every leftover goes, wherever it lies. Elsewhere (a developer's machine) only
 * what is surely a job's.
 *
 * The check before a job is not the same as that after the one before: Lambda keeps `/tmp` when it restarts a
 * function's process that crashed or was ended for running too long.
 * Source: https://docs.aws.amazon.com/lambda/latest/dg/lambda-runtime-environment.html (Failures during the Invoke
 * phase)
 */
export function createSandbox({
  scratch,
  exclusive,
}: {
  readonly scratch: string;
  readonly exclusive: boolean;
}): Sandbox {
  const clear = async (executionId: string, folder: JobFolder | null, runnerPid: number | null) => {
    const processes = await killStrays({ executionId, runnerPid, exclusive });
    const files = folder && !(await wipe(folder.root)) ? [folder.root] : [];
    const leftovers = exclusive ? await wipeScratch(scratch) : files;
    return [...processes.map((pid) => `process ${pid}`), ...leftovers];
  };
  return {
    async prepare() {
      const executionId = randomUUID();
      const remains = await clear(executionId, null, null);
      if (remains.length > 0) {
        throw new EnvironmentNotCleanError(
          `an earlier job left ${remains.join(', ')} behind, which cannot be removed: no other job runs here`,
        );
      }
      const folder = createJobFolder(scratch);
      let runnerPid: number | null = null;
      return {
        folder,
        executionId,
        claimSession: (pid) => {
          runnerPid = pid;
        },
        clear: () => clear(executionId, folder, runnerPid),
      };
    },
  };
}
