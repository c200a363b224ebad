import { expandReferences } from './expand-references.ts';
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
 * What the job's shell sees beside the runner's own environment. A later one wins: those of the config file give way to
 * what the runner predefines, and this to what GitLab says, but for the last few.
 */
export function collectVariables(
  job: RunnerJob,
  settings: RunnerSettings,
  folders: JobFolders,
  platform: string,
): JobVariables {
  const all: readonly JobVariable[] = [
    { key: 'CI_RUNNER_SHORT_TOKEN', value: shortenToken(settings.token) },
    ...configured(settings.environment),
    ...predefined({
      CI_BUILDS_DIR: folders.builds,
      CI_PROJECT_DIR: folders.project,
      CI_CONCURRENT_ID: '0',
      CI_CONCURRENT_PROJECT_ID: '0',
      CI_SERVER: 'yes',
      CI_JOB_STATUS: 'running',
      CI_JOB_TIMEOUT: String(jobTimeoutSeconds(job)),
    }),
    ...job.variables,
    ...predefined({
      CI_SHARED_ENVIRONMENT: 'true',
      CI_RUNNER_VERSION: runnerVersion,
      CI_RUNNER_REVISION: runnerRevision,
      CI_RUNNER_EXECUTABLE_ARCH: platform,
      RUNNER_TEMP_PROJECT_DIR: folders.temporary,
      GITLAB_ENV: `${folders.temporary}/gitlab_runner_env`,
    }),
  ];
  return new Map(all.map((variable) => [variable.key, variable]));
}

function configured(environment: readonly string[]): readonly JobVariable[] {
  return environment.flatMap((line) => {
    const at = line.indexOf('=');
    return at < 0 ? [] : [{ key: line.slice(0, at), value: line.slice(at + 1) }];
  });
}

function predefined(values: Readonly<Record<string, string>>): readonly JobVariable[] {
  return Object.entries(values).map(([key, value]) => ({ key, value, raw: true }));
}

/**
 * The text that the shell gets: a file variable is the path of its file, in others `$NAME` becomes the variable of this
 * job. What the host's environment has, such as PATH, is none, and becomes nothing.
 */
export function shellValue(variable: JobVariable, variables: JobVariables, folders: JobFolders): string {
  const pathOf = (key: string): string => `${folders.temporary}/${key}`;
  if (variable.file) return pathOf(variable.key);
  if (variable.raw) return variable.value;
  return expandReferences(variable.value, (name) => {
    const found = variables.get(name);
    return found?.file ? pathOf(name) : found?.value;
  });
}

/** Values that must not appear in the job's log. */
export function maskedValues(variables: JobVariables): readonly string[] {
  return [...variables.values()].flatMap(({ masked, value }) => (masked && value !== '' ? [value] : []));
}
