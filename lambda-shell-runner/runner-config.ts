import { createHash } from 'node:crypto';
import { join } from 'node:path';
import { stringify } from 'smol-toml';

/** Where one job lives: nothing of it lies outside `root`. All paths are absolute. */
export type JobFolder = {
  readonly root: string;
  readonly home: string;
  readonly temporary: string;
  readonly builds: string;
  readonly cache: string;
  /** gitlab-runner's configuration; it holds the token, so it exists only until gitlab-runner has read it. */
  readonly configFile: string;
  /** gitlab-runner reads its system id from a file of this name beside its configuration. */
  readonly systemIdFile: string;
  /** Credentials of the job's role, for profiles that give their jobs one. */
  readonly awsCredentialsFile: string;
};

/** The parts of a job's folder below `root`. */
export function layOutJobFolder(root: string): JobFolder {
  return {
    root,
    home: join(root, 'home'),
    temporary: join(root, 'tmp'),
    builds: join(root, 'builds'),
    cache: join(root, 'cache'),
    configFile: join(root, 'runner', 'config.toml'),
    systemIdFile: join(root, 'runner', '.runner_system_id'),
    awsCredentialsFile: join(root, 'home', '.aws', 'credentials'),
  };
}

/**
 * What the function's profile says to gitlab-runner (`RUNNER_SETTINGS`), in the words of its `[[runners]]` section;
 * nothing when it is not set. The deployment has made it, so it is JSON.
 */
export function readRunnerSettings(variable: string | undefined): Readonly<Record<string, unknown>> {
  return variable ? (JSON.parse(variable) as Record<string, unknown>) : {};
}

/**
 * Ten tries to report a job's end, the default, would outlive the job by more than a minute when GitLab is down. It
 * stands in the file, since gitlab-runner heeds no flag for it beside `-r`.
 */
const finalUpdateTries = 3;

/**
 * The `config.toml` for one runner with the shell executor; `settings` are those of the profile. With `-c FILE -r NAME`
 * gitlab-runner takes all of this from the file, so that the token is neither on its command line nor in its
 * environment, both of which the job can read.
 * Source: https://docs.gitlab.com/runner/configuration/advanced-configuration/
 */
export function renderRunnerConfig(
  runner: { readonly name: string; readonly url: string; readonly token: string },
  folder: JobFolder,
  settings: Readonly<Record<string, unknown>> = {},
): string {
  return stringify({
    concurrent: 1,
    runners: [
      {
        job_status_final_update_retry_limit: finalUpdateTries,
        ...settings,
        name: runner.name,
        url: runner.url,
        token: runner.token,
        executor: 'shell',
        shell: 'bash',
        builds_dir: folder.builds,
        cache_dir: folder.cache,
      },
    ],
  });
}

/** The id by which GitLab tells this execution from others of the same runner (`r_` and 12 hexadecimal digits). */
export function systemIdOf(ticketId: string): string {
  return `r_${createHash('sha256').update(ticketId).digest('hex').slice(0, 12)}`;
}

/**
 * How to call gitlab-runner for one job. What is for all of its commands (`--log-format`) stands before the command's
 * name: behind it gitlab-runner knows no such flag and ends. Never with `--shutdown-timeout`: 17.11 to 19.3 panic.
 */
export function runnerArguments(folder: JobFolder, name: string, waitForJobSeconds: number): readonly string[] {
  return [
    ...['--log-format', 'json', 'run-single', '-c', folder.configFile, '-r', name],
    ...['--max-builds', '1', '--wait-timeout', String(waitForJobSeconds)],
  ];
}
