import { mkdir, rm, writeFile } from 'node:fs/promises';
import { hostname } from 'node:os';
import { pullImage } from './image-pull.process.ts';
import type { Interrupts } from './interrupts.process.ts';
import type { JobResult, JobStep, RunnerJob } from './job.ts';
import { renderFetchScript, renderStepScript, type ScriptContext } from './job-script.ts';
import { type JobStop, stoppedResult } from './job-stop.process.ts';
import type { JobFolders, JobVariables } from './job-variables.ts';
import { runnerRevision, runnerVersion } from './runner-identity.ts';
import type { RunnerLog } from './runner-log.process.ts';
import { type RunnerSettings, shortenToken } from './runner-settings.ts';
import type { RunnerTime } from './runner-time.process.ts';
import { runScript } from './script.process.ts';
import type { TraceWriter } from './trace-writer.process.ts';

/** All that the stages of one job work with. */
export interface StageContext {
  readonly job: RunnerJob;
  readonly settings: RunnerSettings;
  readonly systemId: string;
  readonly folders: JobFolders;
  readonly variables: JobVariables;
  readonly interrupts: Interrupts;
  readonly stop: JobStop;
  readonly writer: TraceWriter;
  readonly log: RunnerLog;
  readonly time: RunnerTime;
}

const timeoutWarning =
  'step_script could not run to completion because the timeout was exceeded. For more control over job and script timeouts see: https://docs.gitlab.com/ci/runners/configure_runners/#set-script-and-after_script-timeouts';

/** Runs a job from preparation to clean-up and says how it ended. */
export async function runStages(context: StageContext): Promise<JobResult> {
  const { stop, interrupts } = context;
  await prepareExecutor(context);
  if (stop.reason !== undefined) return finish(context, stoppedResult(stop.reason));
  stop.heedInterrupt(interrupts.abort);
  await prepareEnvironment(context);
  if (stop.reason !== undefined) return finish(context, stoppedResult(stop.reason));

  const sources = await getSources(context);
  if (stop.reason !== undefined) return finish(context, stoppedResult(stop.reason));
  if (sources !== 0) return finish(context, exitResult(sources));

  const exitCode = await runMainSteps(context);
  const result = stop.reason === undefined ? exitResult(exitCode) : stoppedResult(stop.reason);
  await runAfterScript(context, result);
  return finish(context, result);
}

async function prepareExecutor({ job, settings, systemId, writer, stop }: StageContext): Promise<void> {
  writer.text(`Running with gitlab-runner ${runnerVersion} (${runnerRevision})`);
  writer.text(`  on ${settings.name} ${shortenToken(settings.token)}, system ID: ${systemId}`);
  writer.startSection('prepare_executor', `Preparing the "${settings.executor}" executor`);
  if (settings.executor === 'docker') {
    const image = job.image?.name ?? 'the default image';
    writer.warning(
      `this is the stand-in for gitlab-runner: there is no docker executor, so the script runs on this host in a plain shell instead of a container of ${image}`,
    );
    if (job.image) {
      writer.text(`Pulling docker image ${job.image.name} ...`);
      await pullImage(job.image.name, stop.script);
    }
  } else writer.text(`Using Shell (${settings.shell}) executor...`);
  for (const [what, list] of [['artifacts', job.artifacts] as const, ['caches', job.cache] as const]) {
    if (list != null && list.length > 0)
      writer.warning(`the stand-in for gitlab-runner does not handle ${what}: left out`);
  }
  writer.endSection('prepare_executor');
}

async function prepareEnvironment({ folders, variables, writer }: StageContext): Promise<void> {
  writer.startSection('prepare_script', 'Preparing environment');
  await mkdir(folders.project, { recursive: true });
  await mkdir(folders.temporary, { recursive: true });
  const files = [...variables.values()].filter(({ file }) => file);
  await Promise.all(files.map(({ key, value }) => writeFile(`${folders.temporary}/${key}`, value, { mode: 0o600 })));
  writer.output('01O', `Running on ${hostname()}...\n`);
  writer.endSection('prepare_script');
}

async function getSources(context: StageContext): Promise<number> {
  const { job, settings, variables, folders, writer, stop } = context;
  const strategy = variables.get('GIT_STRATEGY')?.value ?? 'fetch';
  writer.startSection('get_sources', 'Getting source from Git repository');
  if (strategy === 'none' || strategy === 'empty') {
    writer.green('Skipping Git repository setup');
    writer.green('Skipping Git checkout');
    writer.green('Skipping Git submodules setup');
    writer.endSection('get_sources');
    return 0;
  }
  if (strategy === 'clone') await rm(folders.project, { recursive: true, force: true });
  await mkdir(folders.project, { recursive: true });
  const exitCode = await runShell(
    context,
    (script) => renderFetchScript(job, settings.hooks, script),
    'running',
    stop.script,
  );
  writer.endSection('get_sources');
  return exitCode;
}

/** Every step but after_script, in order, until one fails. */
async function runMainSteps(context: StageContext): Promise<number> {
  const { job, settings, writer, stop, log } = context;
  const { preBuild, postBuild } = settings.hooks;
  for (const step of job.steps.filter(({ name }) => name !== 'after_script')) {
    const stage = `step_${step.name}`;
    writer.startSection(stage, `Executing "${stage}" stage of the job script`);
    const exitCode = await runShell(context, renderStep(step, preBuild, postBuild), 'running', stop.script);
    writer.endSection(stage);
    if (stop.reason?.kind === 'timeout') {
      writer.warning(timeoutWarning);
      log.warn(timeoutWarning);
    }
    if (stop.reason?.kind === 'canceling') {
      writer.warning('script canceled externally (UI, API)');
      log.warn('script canceled externally (UI, API)');
    }
    if (stop.reason !== undefined || exitCode !== 0) return exitCode;
  }
  return 0;
}

/** Whatever it does, the job's result stays. */
async function runAfterScript(context: StageContext, result: JobResult): Promise<void> {
  const { job, writer, stop, log, time } = context;
  if (stop.cleanup.aborted) {
    if (stop.reason?.kind === 'timeout') return;
    const message = 'after_script failed, but job will continue unaffected: context canceled';
    writer.warning(message);
    log.warn(message);
    return;
  }
  const step = job.steps.find(({ name }) => name === 'after_script');
  if (step === undefined || step.script.length === 0) return;
  writer.startSection('after_script', 'Running after_script');
  writer.green('Running after script...');
  const status = stop.reason?.kind === 'canceling' ? 'canceled' : result.state;
  const ended = new AbortController();
  const tooLong = new AbortController();
  void time.sleep(step.timeout * 1000, ended.signal).then(() => tooLong.abort());
  await runShell(context, renderStep(step), status, AbortSignal.any([stop.cleanup, tooLong.signal]));
  ended.abort();
  writer.endSection('after_script');
}

async function finish({ folders, writer, stop, log }: StageContext, result: JobResult): Promise<JobResult> {
  await rm(folders.temporary, { recursive: true, force: true });
  if (stop.cleanup.aborted) {
    const error = stop.reason?.kind === 'timeout' ? 'context deadline exceeded' : 'context canceled';
    log.warn('Error while executing file based variables removal script', { error });
  } else {
    writer.startSection('cleanup_file_variables', 'Cleaning up project directory and file based variables');
    writer.endSection('cleanup_file_variables');
  }
  writer.result(
    result.state === 'success',
    result.state === 'success' ? 'Job succeeded' : `Job failed: ${result.error}`,
  );
  return result;
}

/** With the runner's own scripts around it, in the same shell. */
function renderStep(step: JobStep, before = '', after = ''): (context: ScriptContext) => string {
  return (context) => renderStepScript([before, ...step.script, after], context);
}

async function runShell(
  context: StageContext,
  render: (script: ScriptContext) => string,
  jobStatus: string,
  signal: AbortSignal,
): Promise<number> {
  const { settings, variables, folders, writer, time } = context;
  const exitCode = await runScript(
    {
      shell: settings.shell,
      script: render({ variables, folders, jobStatus }),
      folder: process.cwd(),
      env: process.env,
      signal,
      onOutput: (stream, text) => writer.output(stream, text),
    },
    time,
  );
  writer.flushOutput();
  return exitCode;
}

function exitResult(exitCode: number): JobResult {
  if (exitCode === 0) return { state: 'success' };
  return { state: 'failed', failureReason: 'script_failure', exitCode, error: `exit status ${exitCode}` };
}
