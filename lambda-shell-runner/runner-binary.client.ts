import { access, constants } from 'node:fs/promises';
import { delimiter, isAbsolute, join } from 'node:path';
import { RunnerBinaryMissingError } from './runner-errors.ts';

/**
 * Path of gitlab-runner: what `GITLAB_RUNNER_PATH` says, else the first one on the `PATH`.
 *
 * @throws {RunnerBinaryMissingError} naming where it was looked for.
 */
export async function findRunnerBinary(environment: Readonly<Record<string, string | undefined>>): Promise<string> {
  const { GITLAB_RUNNER_PATH: chosen, PATH: path = '' } = environment;
  const folders = path.split(delimiter).filter(isAbsolute);
  const candidates = chosen ? [chosen] : folders.map((folder) => join(folder, 'gitlab-runner'));
  for (const candidate of candidates) {
    if (await isExecutable(candidate)) return candidate;
  }
  const where = chosen ? `GITLAB_RUNNER_PATH (${chosen}) is not an executable file` : `it is not on the PATH (${path})`;
  throw new RunnerBinaryMissingError(
    `no gitlab-runner to start: ${where}. Give the profile packaging "image", add a layer that has bin/gitlab-runner, or set GITLAB_RUNNER_PATH.`,
  );
}

function isExecutable(file: string): Promise<boolean> {
  return access(file, constants.X_OK).then(
    () => true,
    () => false,
  );
}
