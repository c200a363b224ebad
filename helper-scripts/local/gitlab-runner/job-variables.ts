import { expandVariables } from '../gitlab/expand-variables.ts';
import { type JobVariable, jobTimeoutSeconds, type RunnerJob } from './job.ts';
import { runnerRevision, runnerVersion } from './runner-identity.ts';
import { type RunnerSettings, shortenToken } from './runner-settings.ts';

/** Where a job works. All paths are absolute. */
export interface JobFolders {
  readonly builds: string;
  readonly project: string;
  /** Holds file variables; emptied when the job is over. */
  readonly temporary: string;
}

export type JobVariables = ReadonlyMap<string, JobVariable>;

/**
 * What the job's shell sees beside the runner's own environment: first the runner's own variables, then those of its
 * config file, then GitLab's. A later one wins.
 */
export function collectVariables(
  job: RunnerJob,
  settings: RunnerSettings,
  folders: JobFolders,
  platform: string,
): JobVariables {
  const own: Record<string, string> = {
    CI_BUILDS_DIR: folders.builds,
    CI_PROJECT_DIR: folders.project,
    CI_CONCURRENT_ID: '0',
    CI_CONCURRENT_PROJECT_ID: '0',
    CI_SERVER: 'yes',
    CI_JOB_STATUS: 'running',
    CI_JOB_TIMEOUT: String(jobTimeoutSeconds(job)),
    CI_RUNNER_VERSION: runnerVersion,
    CI_RUNNER_REVISION: runnerRevision,
    CI_RUNNER_SHORT_TOKEN: shortenToken(settings.token),
    CI_RUNNER_EXECUTABLE_ARCH: platform,
    CI_SHARED_ENVIRONMENT: 'true',
    GITLAB_ENV: `${folders.temporary}/gitlab_runner_env`,
    RUNNER_TEMP_PROJECT_DIR: folders.temporary,
  };
  const configured = settings.environment.map((line): JobVariable => {
    const [key = '', ...value] = line.split('=');
    return { key, value: value.join('=') };
  });
  const all: readonly JobVariable[] = [
    ...Object.entries(own).map(([key, value]): JobVariable => ({ key, value, raw: true })),
    ...configured,
    ...job.variables,
  ];
  return new Map(all.map((variable) => [variable.key, variable]));
}

/** The text that the shell gets: a file variable is the path of its file, others have `$NAME` in them replaced. */
export function shellValue(variable: JobVariable, variables: JobVariables, folders: JobFolders): string {
  if (variable.file) return `${folders.temporary}/${variable.key}`;
  if (variable.raw) return variable.value;
  return expandVariables(variable.value, (name) => variables.get(name)?.value);
}

/** Values that must not appear in the job's log. */
export function maskedValues(variables: JobVariables): readonly string[] {
  return [...variables.values()].flatMap(({ masked, value }) => (masked && value !== '' ? [value] : []));
}
