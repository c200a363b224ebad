import type { RunnerJob } from './job.ts';
import { type JobFolders, type JobVariables, shellValue } from './job-variables.ts';
import type { RunnerHooks } from './runner-settings.ts';

const green = '\u001b[32;1m';
const reset = '\u001b[0;m';

/** What a stage needs to know about the job around it. */
export interface ScriptContext {
  readonly variables: JobVariables;
  readonly folders: JobFolders;
  /** `CI_JOB_STATUS` as this stage sees it. */
  readonly jobStatus: string;
}

/** The text that is piped to `bash -l` for a list of the job's own commands. */
export function renderStepScript(commands: readonly string[], context: ScriptContext): string {
  return wrapScript([...exportLines(context), `cd ${quote(context.folders.project)}`, ...commands.flatMap(echoed)]);
}

/**
 * Gets the sources with git, the way that the released binary does: init, fetch, detached checkout, between the
 * runner's own scripts.
 */
export function renderFetchScript(job: RunnerJob, hooks: RunnerHooks, context: ScriptContext): string {
  const { repo_url, sha, ref, refspecs = [], depth = 0 } = job.git_info;
  const depthFlag = depth > 0 ? [`--depth ${depth}`] : [];
  return wrapScript([
    ...exportLines(context),
    'export GIT_TERMINAL_PROMPT=0',
    ...echoed(hooks.preGetSources),
    `echo ${quote(`${green}Fetching changes...${reset}`)}`,
    `git init --quiet ${quote(context.folders.project)}`,
    `cd ${quote(context.folders.project)}`,
    `git remote add origin ${quote(repo_url)} 2>/dev/null || git remote set-url origin ${quote(repo_url)}`,
    ['git fetch origin', ...refspecs.map(quote), ...depthFlag, '--prune --quiet'].join(' '),
    `echo ${quote(`${green}Checking out ${sha.slice(0, 8)} as detached HEAD (ref is ${ref})...${reset}`)}`,
    `git checkout --force --quiet ${quote(sha)}`,
    ...echoed(hooks.postGetSources),
  ]);
}

/** A word that bash reads back as exactly this text. */
export function quote(text: string): string {
  return `'${text.replaceAll("'", `'\\''`)}'`;
}

function exportLines({ variables, folders, jobStatus }: ScriptContext): readonly string[] {
  const lines = [...variables.values()].map(
    (variable) => `export ${variable.key}=${quote(shellValue(variable, variables, folders))}`,
  );
  return [...lines, `export CI_JOB_STATUS=${quote(jobStatus)}`];
}

/** `: |` keeps the script's commands from reading the script itself as their standard input. */
function wrapScript(lines: readonly string[]): string {
  return `set -eo pipefail\nset +o noclobber\n: | eval ${quote(lines.join('\n'))}\nexit 0\n`;
}

/** A command with what the log says of it first; nothing of an empty one. */
function echoed(command: string): readonly string[] {
  return command === '' ? [] : [`echo ${quote(`${green}$ ${firstLine(command)}${reset}`)}`, command];
}

function firstLine(command: string): string {
  const [first = '', ...rest] = command.split('\n');
  return rest.length > 0 ? `${first} # collapsed multi-line command` : first;
}
